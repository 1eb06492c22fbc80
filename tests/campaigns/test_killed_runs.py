"""Kills at random moments: of the trainings of all models, and of runs that replace others.

Run as ``python test_killed_runs.py trainings|overwrites FOLDER NUMBER``, it kills that many processes, each of which it
forks from one that has imported everything, and writes as JSON how the runs ended.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from qiskit_qgen import HybridGAN, QuantumDiffusion, StyleQGAN
from qiskit_qgen.persistence import load_tensors, save_tensors

STYLE = {"num_qubits": 2, "num_layers": 1, "autoencoder_width": 4, "autoencoder_hidden": 8, "critic_width": 8}
MODELS = {
    "StyleQGAN": (StyleQGAN, STYLE, {"autoencoder_steps": 20}),
    "HybridGAN": (HybridGAN, {"backbone": "conv", "backbone_width": 4, "generator_width": 16}, {}),
    "QuantumDiffusion": (QuantumDiffusion, {"num_qubits": 3, "num_layers": 1, "architecture_width": 8}, {}),
}
STEPS = 40
CONFIG = """
[data]
name = "digits"
num_images = 30
[model]
num_qubits = 2
num_layers = 1
autoencoder_width = 4
autoencoder_hidden = 8
critic_width = 8
[training]
steps = 4
autoencoder_steps = 3
batch_size = 8
checkpoint_every = 1
[evaluate]
extractor = "pixel"
num_samples = 20
"""
OPERATIONS = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "open")


def forked(act):
    """Start a process that does what it is given and ends."""
    child = os.fork()
    if child == 0:
        try:
            act()
            os._exit(0)
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
    return child


def ended(child):
    """Wait for the end of a process; return whether it was killed."""
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def train(name, folder, out):
    kind, settings, training = MODELS[name]
    data = torch.rand(16, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    model = kind(image_shape=(1, 8, 8), **settings)
    history = model.fit(
        data,
        steps=STEPS,
        seed=5,
        training=model.training_class.of(batch_size=6, **training),
        checkpoint_dir=folder,
        checkpoint_every=2,
        resume=True,
        callbacks=[],
    )
    columns = {f"history/{each}": column for each, column in history.to_tensors()[0].items()}
    save_tensors(out, {**columns, **model.state_dict(), "samples": model.sample(3, seed=1)})


def killed_trainings(root, number):
    """Kill each model's training this often, then let it end; return how often, and what differs from a whole run."""
    found = {}
    for name in MODELS:
        whole, out = root / f"{name}.whole", root / f"{name}.out"
        ended(forked(lambda: train(name, root / f"{name} whole", whole)))  # noqa: B023 - called before the next
        start = time.monotonic()
        ended(forked(lambda: train(name, root / f"{name} again", root / "again")))  # noqa: B023
        seconds, moments, kills = time.monotonic() - start, np.random.default_rng(len(name)), 0
        while kills < number:
            child = forked(lambda: train(name, root / name, out))  # noqa: B023
            time.sleep(moments.uniform(0, 2 * seconds / number))
            os.kill(child, signal.SIGKILL)
            if not ended(child):
                break
            kills += 1
        if not out.exists():
            ended(forked(lambda: train(name, root / name, out)))  # noqa: B023
        (first, _), (second, _) = load_tensors(whole), load_tensors(out)
        different = [key for key in first if not torch.equal(first[key], second[key])]
        found[name] = {"kills": kills, "different": different, "missing": sorted(first.keys() ^ second.keys())}
    return found


def command(*arguments, kill_at=None):
    """Run a command of qgen, which is killed before its operation of that number on files."""
    from qiskit_qgen.cli import app

    count = 0

    def tick(event, _):
        nonlocal count
        if event in OPERATIONS:
            count += 1
            if count == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    with Path(os.devnull).open("w") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    sys.addaudithook(tick)
    app([str(each) for each in arguments], standalone_mode=False)


def finished_models(folder):
    """Return the digests of the models that lie in the folder of a run, wherever they are kept."""
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("model.safetensors")}


def killed_overwrites(root, number):
    """Kill runs that replace a finished one; return how often, and how often what was finished could not be found."""
    config, folder, moments = root / "config.toml", root / "run", np.random.default_rng(1)
    config.write_text(CONFIG)
    kills = lost = ended_by_themselves = 0
    assert not ended(forked(lambda: command("train", config, "--out", folder, "--seed", 0)))
    (finished,) = finished_models(folder)
    while kills < number:
        seed, at = kills + 1, round(10 ** moments.uniform(0, 3))
        if ended(
            forked(lambda: command("train", config, "--out", folder, "--seed", seed, "--overwrite", kill_at=at))  # noqa: B023
        ):
            kills += 1
            lost += finished not in finished_models(folder) and not json.loads((folder / "run.json").read_text()).get(
                "finished"
            )
        else:
            ended_by_themselves += 1
        record = folder / "run.json"
        if record.exists() and json.loads(record.read_text()).get("finished"):
            digests = finished_models(folder / "model")
            finished = digests.pop() if digests else finished
    assert not ended(forked(lambda: command("train", config, "--out", folder, "--seed", 999, "--overwrite")))
    names = sorted(entry.name for entry in folder.iterdir())
    hidden = [name for name in names if name.startswith(".")]
    return {"kills": kills, "lost": lost, "ended": ended_by_themselves, "left over": hidden}


def result_of(campaign, folder, number):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "QISKIT_QGEN_CACHE": str(folder / "cache")}
    arguments = [sys.executable, __file__, campaign, str(folder), str(number)]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=1700, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX processes")
def test_killed_trainings_end_with_the_same_bits(tmp_path, record_property):
    found = result_of("trainings", tmp_path, 12)
    record_property("found", found)
    assert found.keys() == MODELS.keys()
    for each in found.values():
        assert each["kills"] >= 4
        assert (each["different"], each["missing"]) == ([], [])


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(os.name != "posix", reason="needs POSIX processes")
def test_runs_that_are_killed_while_they_replace_others_lose_nothing(tmp_path, record_property):
    found = result_of("overwrites", tmp_path, 40)
    record_property("found", found)
    assert (found["kills"], found["lost"], found["left over"]) == (40, 0, [])


if __name__ == "__main__":
    torch.set_num_threads(1)
    campaign = {"trainings": killed_trainings, "overwrites": killed_overwrites}[sys.argv[1]]
    sys.stdout.write(json.dumps(campaign(Path(sys.argv[2]), int(sys.argv[3]))) + "\n")
