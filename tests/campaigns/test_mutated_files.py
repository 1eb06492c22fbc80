"""Mutated files of every format, each read under a limit of memory and time: a result or one sentence, nothing else.

Run as ``python test_mutated_files.py FOLDER [NUMBER]``, it reads that many mutations of each file in processes that may
take 2 GiB more than they have and 20 seconds, and writes as JSON what came of them.
"""

import hashlib
import io
import json
import os
import pickle
import resource
import signal
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from qiskit import QuantumCircuit, qasm2, qasm3, qpy
from scipy.io import savemat

from qiskit_qgen import History, StyleQGAN, load_dataset, load_table
from qiskit_qgen.cli.circuit_report import read_circuits
from qiskit_qgen.cli.settings import read_settings
from qiskit_qgen.cli.train import DEMO
from qiskit_qgen.datasets.idx import read_idx
from qiskit_qgen.exceptions import QGenError
from qiskit_qgen.noise import NoisePool
from qiskit_qgen.persistence import save_tensors
from qiskit_qgen.studies import study_status
from qiskit_qgen.training.checkpoint import read_checkpoint_seed

MEMORY, SECONDS, NUMBER, BATCH = 2**31, 20, 100, 25
HOSTILE = (
    b"\xff" * 8,
    b"\xff\xff\xff\x7f",
    b"\0" * 8,
    b"9" * 5_000,
    b"(" * 5_000,
    b"[" * 5_000,
    b'{"a":' * 500,
    b"../",
)


def mutated(content, seed):
    """Return ``content`` with one to three faults that are drawn from ``seed``."""
    random, changed = np.random.default_rng(seed), bytearray(content)
    for _ in range(random.integers(1, 4)):
        start, end = sorted(int(place) for place in random.integers(0, len(changed) + 1, 2))
        kind = random.integers(6)
        if kind == 0:
            del changed[start:]
        elif kind == 1:
            changed[start:start] = changed[start:end][:10_000]
        elif kind == 2:
            changed[start : start + 8] = HOSTILE[random.integers(len(HOSTILE))]
        elif kind == 3:
            changed[start : start + 4] = int(random.integers(2**32)).to_bytes(4, "little")
        elif changed:
            for place in random.integers(0, len(changed), 3):
                changed[place] = random.integers(256)
    return bytes(changed)


def signed(folder, name, content):
    """Put ``content`` into a saved model with its right checksum, as an attacker would."""
    (folder / name).write_bytes(content)
    config = json.loads((folder / "config.json").read_text())
    config["files"][name] = hashlib.sha256(content).hexdigest()
    (folder / "config.json").write_text(json.dumps(config))


def circuit():
    inner = QuantumCircuit(2, name="inner")
    inner.ry(0.5, 0)
    inner.cx(0, 1)
    outer = QuantumCircuit(2, 1)
    outer.append(inner.to_gate(), [0, 1])
    outer.rz(0.25, 1)
    return outer


def write_all(root):
    """Write a good file of each format, and return by its name its path, how it is replaced, and how it is read."""
    images = np.random.default_rng(1).integers(0, 256, (12, 8, 8), np.uint8)
    labels = np.arange(12) % 3
    cases = {}

    def add(name, path, read, write=None):
        cases[name] = (path, write or (lambda content: path.write_bytes(content)), read)

    for name in ("a.npy", "a.npz", "packed.npz", "a.pt", "old.pt"):
        path = root / name
        if name == "a.npy":
            np.save(path, images)
        elif name.endswith("npz"):
            (np.savez_compressed if name == "packed.npz" else np.savez)(path, images=images, labels=labels)
        else:
            content = {"images": torch.from_numpy(images), "labels": torch.from_numpy(labels)}
            torch.save(content, path, _use_new_zipfile_serialization=name == "a.pt")
        add(name, path, lambda path=path: load_dataset(path))
        add(f"draw of {name}", path, lambda path=path: load_dataset(path, num_images=3))
    rows = np.random.default_rng(2).normal(size=(12, 3))
    frame = pd.DataFrame(rows, columns=["s", "t", "y"]).assign(n=range(12))
    frame.to_csv(root / "a.csv", index=False)
    frame.to_parquet(root / "a.parquet")
    np.savez(root / "table.npz", rows=rows, columns=["s", "t", "y"])
    for name in ("a.csv", "a.parquet", "table.npz"):
        add(name, root / name, lambda path=root / name: load_table(path).to_frame())
    for name in ("a.npy", "a.npz"):
        add(f"stream of {name}", root / name, lambda path=root / name: load_dataset(path, stream=True).images[:])
    for suffix in ("png", "jpg", "gif", "bmp", "tif", "webp", "ppm"):
        folder = root / suffix
        folder.mkdir()
        Image.fromarray(np.stack([images[0]] * 3, 2)).save(folder / f"a.{suffix}")
        add(suffix, folder / f"a.{suffix}", lambda folder=folder: load_dataset(folder))
    (root / "a.idx").write_bytes(bytes([0, 0, 8, 3, 0, 0, 0, 12, 0, 0, 0, 8, 0, 0, 0, 8]) + images.tobytes())
    add("idx", root / "a.idx", lambda: read_idx(root / "a.idx"))
    content = pickle.dumps({b"data": np.zeros((4, 3072), np.uint8), b"labels": [0, 1, 2, 3]}, 2)
    for number in range(1, 6):
        (root / f"data_batch_{number}").write_bytes(content)
    add("cifar", root / "data_batch_1", lambda: load_dataset("cifar-10", data_dir=root))
    tiles, hot = np.zeros((28, 28, 4, 3), np.uint8), np.eye(4, 3, dtype=np.uint8)
    savemat(root / "sat-4-full.mat", {"train_x": tiles, "train_y": hot}, do_compression=True)
    add("mat", root / "sat-4-full.mat", lambda: load_dataset("sat-4", data_dir=root, num_images=2))
    np.save(root / "pool.npy", np.zeros((4, 3), np.float32))
    add("noise pool", root / "pool.npy", lambda: NoisePool(root / "pool.npy"))

    (root / "a.toml").write_bytes(DEMO.read_bytes())
    add("toml", root / "a.toml", lambda: read_settings(root / "a.toml"))
    history = History()
    for step in (1, 2):
        history.record("adversarial", step, {"loss": 0.5})
    history.save(root / "history.json")
    add("history", root / "history.json", lambda: History.load(root / "history.json"))
    digest = "0123456789abcdef"
    (root / "trials" / digest).mkdir(parents=True)
    (root / "plan.json").write_text(json.dumps([{"digest": digest, "configuration": {"seed": 1}}]))
    (root / "trials" / digest / "trial.json").write_text(json.dumps({"digest": digest, "status": "done", "result": {}}))
    (root / "trials" / digest / "timing.json").write_text(json.dumps({"seconds": 1.5}))
    for name in ("plan.json", f"trials/{digest}/trial.json", f"trials/{digest}/timing.json"):
        add(Path(name).name, root / name, lambda: study_status(root))

    for name, dump in (("a2.qasm", qasm2.dump), ("a3.qasm", qasm3.dump)):
        with (root / name).open("w") as file:
            dump(circuit(), file)
        add(name, root / name, lambda path=root / name: read_circuits(path))
    for version in (13, 17):
        stream = io.BytesIO()
        qpy.dump(circuit(), stream, version=version)
        (root / f"{version}.qpy").write_bytes(stream.getvalue())
        add(f"{version}.qpy", root / f"{version}.qpy", lambda path=root / f"{version}.qpy": read_circuits(path))

    model = root / "model"
    options = {"num_qubits": 2, "num_layers": 1, "autoencoder_width": 4, "autoencoder_hidden": 8, "critic_width": 8}
    StyleQGAN(image_shape=(1, 8, 8), **options).save_pretrained(model)
    add("config.json", model / "config.json", lambda: StyleQGAN.from_pretrained(model))
    for name in ("model.safetensors", "circuit.qpy"):
        add(name, model / name, lambda: StyleQGAN.from_pretrained(model), lambda c, name=name: signed(model, name, c))
    table = StyleQGAN(image_shape=None, num_features=4, num_qubits=2, num_layers=1, critic_width=8)
    table.columns = load_table(frame).columns
    table.save_pretrained(root / "table")
    add("config of a table", root / "table" / "config.json", lambda: StyleQGAN.from_pretrained(root / "table"))
    metadata = {"format": 2, "phase_index": 0, "seed": 3}
    save_tensors(root / "checkpoint.safetensors", {"a": torch.zeros(8)}, metadata=metadata)
    path = root / "checkpoint.safetensors"
    add("checkpoint", path, lambda: read_checkpoint_seed(path))
    return cases


def outcome(read):
    try:
        read()
    except QGenError as error:
        return "sentence" if "\n" not in str(error) else f"several lines: {error}"
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    return "read"


def attempt(case, seeds):
    """Return what came of each mutation, read in one process under limits; a process that dies counts as a fault."""
    path, write, read = case
    content, into, out = path.read_bytes(), *os.pipe()
    child = os.fork()
    if child == 0:
        warnings.simplefilter("ignore")
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
        for seed in seeds:
            signal.alarm(SECONDS)
            write(mutated(content, seed))
            os.write(out, outcome(read).replace("\n", " ").encode() + b"\n")
        os._exit(0)
    os.close(out)
    with os.fdopen(into) as pipe:
        found = pipe.read().splitlines()
    status = os.waitpid(child, 0)[1]
    write(content)
    return found if status == 0 else [*found, f"died with status {status} of mutation {seeds[len(found)]}"]


def campaign(root, number):
    results = {}
    for name, case in write_all(root).items():
        case[2]()  # the good file is read
        seeds = [[len(name), *name.encode(), index] for index in range(number)]
        counts = results[name] = {}
        while seeds:
            found = attempt(case, seeds[:BATCH])
            seeds = seeds[len(found) :]
            for each in found:
                counts[each] = counts.get(each, 0) + 1
    return results


@pytest.mark.slow
def test_every_mutation_is_read_or_refused_in_a_sentence(tmp_path, record_property):
    command = [sys.executable, __file__, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    record_property("found", {"files": len(results), **sum(map(Counter, results.values()), Counter())})
    assert len(results) > 30
    assert all(sum(counts.values()) == NUMBER and counts["sentence"] > 0 for counts in results.values())
    faults = {name: counts.keys() - {"read", "sentence"} for name, counts in results.items()}
    # Qiskit's own reader of QPY reserves memory for some lengths inside of circuits, and aborts if there is none.
    for name in ("13.qpy", "17.qpy", "circuit.qpy"):
        faults[name] = {each for each in faults[name] if not each.startswith("died with status 6 ")}
    assert {name: found for name, found in faults.items() if found} == {}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(campaign(Path(sys.argv[1]), int((*sys.argv[2:], NUMBER)[0]))))
