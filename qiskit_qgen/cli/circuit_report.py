"""What ``qgen doctor`` says of circuits: how they lower, what is refused, what a batch costs, which gradients miss."""

from __future__ import annotations

import importlib.util
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from qiskit import qasm2, qasm3, qpy
from qiskit.circuit import Instruction, QuantumCircuit, Qubit

from qiskit_qgen.circuits import pauli_observables
from qiskit_qgen.cli.run_folder import load_model
from qiskit_qgen.exceptions import ArgumentError, UnsupportedCircuitError
from qiskit_qgen.execution import LocalExecution
from qiskit_qgen.layers.gradient_audit import GradientFinding, GradientReport, audit_gradients
from qiskit_qgen.persistence import check_qpy
from qiskit_qgen.persistence.pretrained import MAXIMUM_BITS
from qiskit_qgen.simulator import Program, lower
from qiskit_qgen.simulator.cpu.sweeps import Sweeps
from qiskit_qgen.simulator.programs.measurements import take_measurements
from qiskit_qgen.simulator.tensors.stages import build_stages

_MAX_BYTES = 1 << 28
_MOST_GATES, _MOST_LEVELS = 1 << 22, 64
_STANDARD_FILES = ("qelib1.inc", "stdgates.inc")  # which Qiskit has itself
_IMPORTER = "qiskit_qasm3_import"
_REPEATS = 5
_MOST_WORK = 1 << 33  # amplitudes times operations that are measured: about a minute
_MEASURED_WORK = 1 << 28  # the same of one of the runs, about a second together
_SAMPLE_WORK, _PARAMETER_WORK = 1000, 100  # what a sample and each of its parameters cost besides
_LANES = 16  # samples that a thread works on at once

FAULTS = ("inert", "vanishing", "detached")
"""Titles of findings that are faults."""
_VERDICTS = (*FAULTS, "weak", "frozen", "ok")
_NAMED = 3

Finding = tuple[str, str]


def read_circuits(path: Path) -> list[QuantumCircuit]:
    """Return the circuits of a file, which its content tells to be QPY, OpenQASM 2 or OpenQASM 3.

    Raises:
        OSError: If the file cannot be read.
        ArgumentError: If it holds no circuit, or needs a package that is not installed.
    """
    size = path.stat().st_size
    if size > _MAX_BYTES:
        raise ArgumentError(f"{path} is too large for a circuit: {size / 1e6:.0f} MB.")
    data = path.read_bytes()
    if data.startswith(b"QISKIT"):
        return _parsed(path, "QPY", lambda: qpy.load(BytesIO(check_qpy(data))))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    version = re.search(r"^\s*OPENQASM\s+(\d+)", text, re.MULTILINE)
    if version is None:
        raise ArgumentError(
            f"{path} holds neither QPY nor OpenQASM, which begins with its version, such as `OPENQASM 2.0;`."
        )
    _check_text(path, text, {path.resolve()})
    if version[1] == "2":
        known = qasm2.LEGACY_CUSTOM_INSTRUCTIONS  # Qiskit writes more gates than the language's own file defines
        options: dict[str, Any] = {"include_path": (path.parent,), "custom_instructions": known}
        return _parsed(path, "OpenQASM 2", lambda: [qasm2.loads(text, **options)])
    if importlib.util.find_spec(_IMPORTER) is None:
        package = _IMPORTER.replace("_", "-")
        raise ArgumentError(f"Reading OpenQASM 3 needs `{package}`: pip install {package}, or save {path} as QPY.")
    return _parsed(path, "OpenQASM 3", lambda: [qasm3.loads(text)])


def _check_text(path: Path, text: str, read: set[Path]) -> None:
    """Raise if OpenQASM declares more bits than a device may have, or includes what is not beside it.

    Args:
        path: The file.
        text: Its content.
        read: The files that were read so far; each may be included once.

    Raises:
        ArgumentError: If it does.
    """
    for match in re.finditer(
        r"//[^\n]*|\"([^\"]*)\"|'([^']*)'", text
    ):  # a comment may be in a string, and a string in one
        name = match[1] or match[2]
        if not name or name in _STANDARD_FILES:
            continue
        target = (path.parent / name).resolve()
        if target.parent != path.parent.resolve() or target in read or not target.is_file():
            raise ArgumentError(f"{path} includes {name!r}, but may include files beside it alone, each once.")
        if target.stat().st_size > _MAX_BYTES:
            raise ArgumentError(f"{target} is too large for a circuit: {target.stat().st_size / 1e6:.0f} MB.")
        _check_text(target, target.read_bytes().decode("utf-8-sig", "replace"), read | {target})
    code = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    found = re.findall(r"\b[qc]reg\s+\w+\s*\[\s*(\w+)|\b(?:qu)?bit\s*\[\s*(\w+)", code)
    if sum(_number("".join(pair)) for pair in found) > MAXIMUM_BITS:
        raise ArgumentError(f"{path} declares more than {MAXIMUM_BITS:,} bits.")


def _number(text: str) -> int:
    """Return the value of an integer literal of OpenQASM, or 0 if it is a name."""
    base = {"0x": 16, "0o": 8, "0b": 2}.get(text[:2].lower(), 10)
    try:
        return int(text[:40], base)
    except ValueError:
        return 0


def _num_gates(circuit: QuantumCircuit, known: dict[Any, int], by_name: bool, depth: int = 0) -> int:
    """Return how many gates a circuit has when every definition is written out, of gates of gates of gates."""
    total = 0
    for instruction in circuit.data if depth < _MOST_LEVELS else ():
        operation = instruction.operation
        if not isinstance(operation, Instruction) or operation.base_class.__module__.startswith(
            "qiskit.circuit.library"
        ):
            total += 1
            continue
        definition = operation.name if by_name else getattr(operation, "_definition", None)
        key = definition if by_name else id(definition)
        if key not in known:
            inner = operation.definition if by_name else definition
            known[key] = 1 if inner is None else _num_gates(inner, known, by_name, depth + 1)
        total += known[key]
    return total


def _parsed(path: Path, language: str, parse: Callable[[], list[Any]]) -> list[QuantumCircuit]:
    try:
        found = parse()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # whatever a parser makes of a damaged file; a panic in Rust is not an Exception
        lines = str(getattr(error, "message", error)).splitlines() or [type(error).__name__]
        raise ArgumentError(f"{path} cannot be read as {language}: {lines[0].rstrip(' .:')}.") from error
    if not found or not all(isinstance(circuit, QuantumCircuit) for circuit in found):
        raise ArgumentError(f"{path} holds no circuits.")
    # Gates of OpenQASM get their definitions one by one, when asked, but are known by their names.
    if any(_num_gates(circuit, {}, by_name=language != "QPY") > _MOST_GATES for circuit in found):
        raise ArgumentError(f"{path} defines gates by gates that make more than {_MOST_GATES:,} of them.")
    return found


def file_findings(path: Path, batch_size: int) -> Iterator[Finding]:
    """Yield titles and texts of what there is to say of each circuit of a file.

    The last title is "refused" if the simulator cannot run a circuit.

    Raises:
        ArgumentError: If the file holds no circuit.
        OSError: If it cannot be read.
    """
    for circuit in read_circuits(path):
        yield from _findings(circuit, batch_size)


def _findings(circuit: QuantumCircuit, batch_size: int) -> Iterator[Finding]:

    size = f"{circuit.num_qubits} qubits, {circuit.num_parameters} parameters, depth {circuit.depth()}"
    yield "circuit", f"{circuit.name}: {size}"
    yield "gates", _numbered(circuit.count_ops())
    try:
        unitary, _ = take_measurements(circuit)
        program = lower(unitary)
    except UnsupportedCircuitError as error:
        for text in _refusals(circuit) or [str(error)]:
            yield "refused", text
        return
    num_stages = len(build_stages(program.operations, program.width).stages)
    yield from _lowered(program, num_stages)
    yield from _costs(unitary, program, num_stages, batch_size)


def _numbered(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items()) or "none"


def _refusals(circuit: QuantumCircuit) -> list[str]:
    """Return the message for each kind of gate that is refused by itself, behind a gate on its used qubits."""
    found: dict[str, str] = {}
    used: set[Qubit] = set()
    for instruction in circuit.data:
        if instruction.operation.name in (*found, "measure", "barrier", "delay"):
            continue
        alone = circuit.copy_empty_like()
        for qubit in used.intersection(instruction.qubits):
            alone.h(qubit)
        used.update(instruction.qubits)
        alone.append(instruction)
        try:
            lower(alone)
        except UnsupportedCircuitError as error:
            name = f"`{instruction.operation.name}`"
            found[instruction.operation.name] = str(error) if name in str(error) else f"{name}: {error}"
    return list(found.values())


def _lowered(program: Program, num_stages: int) -> Iterator[Finding]:
    kinds = Counter(
        f"{'controlled ' if operation.controls else ''}{'rotations' if operation.flip else 'phases'}"
        for operation in program.operations
    )
    fixed = sum(operation.angle.slot < 0 for operation in program.operations)
    yield "lowered", f"{_numbered(kinds)}; {fixed} of them constant, {len(program.expressions)} distinct expressions"
    observables = pauli_observables(program.num_qubits, "Z")
    sweeps = Sweeps(program, program.terms(observables)[0], len(observables))
    split, blocks = sweeps.split, len(sweeps.plan(1).blocks.blocks)
    end = f"{len(split.folded)} turn the observables" + f", {len(split.invisible)} change none" * bool(split.invisible)
    yield (
        "split",
        f"{len(split.start)} operations make the product state that it starts from, {len(split.middle)} run, {end} "
        "(Z of each qubit)",
    )
    yield "fused", f"{blocks} blocks on the CPU, {num_stages} diagonals on other devices and for second derivatives"
    idle = program.num_qubits - program.width
    note = f"; {idle} without a gate that does anything" if idle else ""
    yield "simulated", f"{program.width} of {program.num_qubits} qubits, {1 << program.width:,} amplitudes{note}"


def _costs(unitary: QuantumCircuit, program: Program, num_stages: int, batch_size: int) -> Iterator[Finding]:
    state = 8 << program.width  # bytes, in single precision
    working = 2 * min(batch_size, _LANES * torch.get_num_threads()) * state
    yield (
        "memory",
        f"batch {batch_size}: about {_bytes(batch_size * state + working)} for values and gradient, "
        f"{_bytes(3 * (num_stages + 1) * batch_size * state)} for second derivatives (single precision)",
    )
    work = len(program.operations) << program.width
    if work > _MOST_WORK:
        yield "time", "not measured: one sample alone takes more than about a minute"
        return
    each = work + _SAMPLE_WORK + _PARAMETER_WORK * unitary.num_parameters
    samples = min(batch_size, max(1, _MEASURED_WORK // each))
    seconds = _measured(unitary, samples)
    how = "measured" if samples == batch_size else f"estimated from {samples} of them"
    total = seconds * batch_size / samples
    yield "time", f"batch {batch_size}: {duration(total)} for Z of each qubit and its gradient, {how}"


def _measured(unitary: QuantumCircuit, samples: int) -> float:
    """Return the seconds that the values of Z of each qubit and their vector-Jacobian product take."""
    function = LocalExecution().expectation(unitary, pauli_observables(unitary.num_qubits, "Z"))
    count = unitary.num_parameters
    angles = torch.linspace(0.1, 3, samples * count).reshape(samples, count).requires_grad_(count > 0)

    def run() -> None:
        values = function(angles)
        if count:
            torch.autograd.grad(values.sum(), angles)

    first = timed(run)  # compiles the kernels, if need be
    return min(first, statistics.median(timed(run) for _ in range(_REPEATS if first < 1 else 1)))


def timed(function: Callable[[], Any]) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def duration(seconds: float) -> str:
    """Return a time in a unit that keeps it short."""
    if seconds < 1:
        return f"{seconds * 1e3:.3g} ms"
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.3g} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def _bytes(number: float) -> str:
    for unit in ("B", "kB", "MB"):
        if number < 1000:
            return f"{number:.3g} {unit}"
        number /= 1000
    return f"{number:.3g} GB"


def audit_findings(path: Path) -> Iterator[Finding]:
    """Yield titles and texts of what the audit of a saved model, a run or a file of circuits finds.

    The titles are "model" or "circuit", and verdicts of the audit.

    Raises:
        ArgumentError: If there is nothing to audit.
        CheckpointError: If the folder holds no model, or a damaged one.
        OSError: If the file cannot be read.
    """
    if path.is_dir():
        model = load_model(path)
        if model.circuit is None:
            raise ArgumentError(
                f"The {type(model).__name__} in {path} has no circuit whose gradients could be audited."
            )
        yield "model", f"{type(model).__name__} in {path}"
        yield from _told(audit_gradients(model))
        return
    circuits = read_circuits(path)
    if not any(circuit.num_parameters for circuit in circuits):
        raise ArgumentError(f"No circuit in {path} has a parameter whose gradient could be audited.")
    for circuit in circuits:
        yield "circuit", f"{circuit.name}: {circuit.num_qubits} qubits, {circuit.num_parameters} parameters"
        if circuit.num_parameters:
            yield from _told(audit_gradients(circuit))


def _told(report: GradientReport) -> Iterator[Finding]:
    """Group what was found by verdict, kind and reason."""
    groups: dict[tuple[str, str, str], list[GradientFinding]] = {}
    for finding in report.findings:
        reason = finding.reason if finding.verdict in ("inert", "detached", "frozen") else ""
        groups.setdefault((finding.verdict, finding.kind, reason), []).append(finding)
    for (verdict, kind, reason), found in sorted(groups.items(), key=lambda group: _VERDICTS.index(group[0][0])):
        yield verdict, f"{_counted(kind, found)}: {reason or _spread(verdict, found)}"


def _counted(kind: str, found: list[GradientFinding]) -> str:
    names = ", ".join(finding.name for finding in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{len(found)} {kind}{'s' * (len(found) > 1)} ({names}{more})"


def _spread(verdict: str, found: list[GradientFinding]) -> str:
    variances = [finding.variance for finding in found]
    text = f"variance of the gradient {min(variances):.2g} to {max(variances):.2g}"
    return text if verdict == "ok" else f"{text}; a barren plateau of as many qubits has {found[0].plateau:.2g}"
