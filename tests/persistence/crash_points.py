"""Kills saving processes with SIGKILL at every operation on files, one after the other, and reports what is found then.

Run as ``python crash_points.py report FOLDER``. Prints as JSON, for each scenario,

- "crash": for each point of the crash what a reader finds afterwards ("old", "new" or a fault), what was set aside then
  ("old" or "none"), and what is found after the next save ("next" if all is well);
- "full": what happens when files cannot grow.

``python crash_points.py loop FOLDER`` saves models until it is killed.
"""

import itertools
import json
import os
import resource
import signal
import sys
import warnings
from pathlib import Path

import torch
from qiskit import QuantumCircuit

from qiskit_qgen.exceptions import QGenError
from qiskit_qgen.persistence import (
    atomic_write,
    load_circuit,
    load_model_folder,
    load_tensors,
    save_model_folder,
    save_tensors,
)

VALUES = {"old": 1.0, "new": 2.0, "next": 3.0}
AUDITED = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir")
SIZE = 20_000


def circuit_for(label: str) -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.rx(VALUES[label], 0)
    return circuit


def save(scenario: str, target: Path, label: str) -> None:
    value = torch.full((SIZE,), VALUES[label])
    if scenario == "file":
        atomic_write(target, label * SIZE)
    elif scenario == "tensors":
        save_tensors(target, {"value": value}, metadata={"label": label})
    else:
        # The new model has no circuit: none of the old one's files may be mixed into it.
        circuit = None if label == "new" else circuit_for(label)
        save_model_folder(
            target, config={"class_name": "M", "config": {"label": label}}, state={"value": value}, circuit=circuit
        )


def find(scenario: str, target: Path) -> str:
    """Return the label whose complete content lies at ``target``, or the fault that is found instead."""
    try:
        if scenario == "file":
            text = target.read_text()
            return next((label for label in VALUES if text == label * SIZE), "mixed")
        if scenario == "tensors":
            state, metadata = load_tensors(target)
            label = metadata["label"]
        else:
            config, state = load_model_folder(target)
            label = config["config"]["label"]
            if load_circuit(target) != (None if label == "new" else circuit_for(label)):
                return "mixed"
        return label if torch.equal(state["value"], torch.full((SIZE,), VALUES[label])) else "mixed"
    except (QGenError, OSError) as error:
        return f"{type(error).__name__}: {error}"


def kill_at(point: int) -> None:
    """Make this process kill itself before its operation number ``point``."""
    count = 0

    def tick() -> None:
        nonlocal count
        if count == point:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1

    def write_in_halves(path: Path, content: bytes) -> None:
        with path.open("wb", buffering=0) as file:
            file.write(content[: len(content) // 2])
            tick()
            file.write(content[len(content) // 2 :])

    def counted_fsync(descriptor: int) -> None:
        tick()
        real_fsync(descriptor)

    real_fsync = os.fsync
    os.fsync = counted_fsync
    Path.write_bytes = write_in_halves
    sys.addaudithook(lambda event, _: tick() if event in AUDITED else None)


def crash_everywhere(scenario: str, root: Path) -> list[tuple[str, str, str]]:
    found = []
    for point in range(200):
        folder = root / str(point)
        folder.mkdir(parents=True)
        target = folder / "thing.bin"
        save(scenario, target, "old")
        child = os.fork()
        if child == 0:
            kill_at(point)
            save(scenario, target, "new")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        after_crash = find(scenario, target)
        previous = target.with_name(f".{target.name}.previous")
        set_aside = find(scenario, previous) if previous.exists() else "none"
        save(scenario, target, "next")
        found.append((after_crash, set_aside, find(scenario, target)))
        if not os.WIFSIGNALED(status):
            return found
    raise RuntimeError("saving does not end")


def fill_disk(scenario: str, root: Path) -> dict[str, object]:
    """Save under a limit on the size of files; return the error and what is left."""
    root.mkdir()
    target = root / "thing.bin"
    save(scenario, target, "old")
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE, unlimited[1]))
    error = "none"
    try:
        save(scenario, target, "new")
    except (QGenError, OSError) as caught:
        error = f"{type(caught).__name__}: {caught}"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    return {"error": error, "found": find(scenario, target), "names": [entry.name for entry in root.iterdir()]}


def save_for_ever(root: Path) -> None:
    """Save one model after the other until killed, or for half a minute."""
    signal.alarm(30)
    for label in itertools.cycle(("old", "new")):
        save("model", root, label)
        sys.stdout.write(f"{label}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    warnings.simplefilter("error")
    mode, root = sys.argv[1], Path(sys.argv[2])
    if mode == "loop":
        save_for_ever(root)
    report = {
        scenario: {
            "crash": crash_everywhere(scenario, root / scenario),
            "full": fill_disk(scenario, root / f"full-{scenario}"),
        }
        for scenario in ("file", "tensors", "model")
    }
    sys.stdout.write(json.dumps(report))
