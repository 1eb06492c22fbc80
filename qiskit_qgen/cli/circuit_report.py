"""What ``qgen doctor --circuit`` says: how a circuit lowers, what is refused, and what a batch of it costs."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from qiskit_qgen.exceptions import UnsupportedCircuitError

if TYPE_CHECKING:
    from qiskit.circuit import QuantumCircuit, Qubit

    from qiskit_qgen.simulator import Program

_REPEATS = 5
_MOST_WORK = 1 << 33  # amplitudes times operations that are measured: about a minute
_MEASURED_WORK = 1 << 28  # the same of one of the runs, about a second together
_SAMPLE_WORK, _PARAMETER_WORK = 1000, 100  # what a sample and each of its parameters cost besides
_LANES = 16  # samples that a thread works on at once

Finding = tuple[str, str]


def circuit_findings(circuit: QuantumCircuit, batch_size: int) -> Iterator[Finding]:
    """Yield titles and texts of what there is to say of a circuit.

    The last title is "refused" if the simulator cannot run it.
    """
    from qiskit_qgen.simulator import lower
    from qiskit_qgen.simulator.programs.measurements import take_measurements
    from qiskit_qgen.simulator.tensors.stages import build_stages

    size = f"{circuit.num_qubits} qubits, {circuit.num_parameters} parameters, depth {circuit.depth()}"
    yield "circuit", f"{circuit.name}: {size}"
    yield "gates", _counted(circuit.count_ops())
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


def _counted(numbers: dict[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items()) or "none"


def _refusals(circuit: QuantumCircuit) -> list[str]:
    """Return what is said of each kind of gate that is refused by itself, behind a gate on its used qubits."""
    from qiskit_qgen.simulator import lower

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
    from qiskit_qgen.simulator.cpu.blocks import schedule

    kinds = Counter(
        f"{'controlled ' if operation.controls else ''}{'rotations' if operation.flip else 'phases'}"
        for operation in program.operations
    )
    fixed = sum(operation.angle.slot < 0 for operation in program.operations)
    yield "lowered", f"{_counted(kinds)}; {fixed} of them constant, {len(program.expressions)} distinct expressions"
    blocks = len(schedule(program.operations, program.width))
    yield "fused", f"{blocks} blocks on the CPU, {num_stages} diagonals on other devices and for second derivatives"
    idle = program.num_qubits - program.width
    note = f"; {idle} without a gate that does anything" if idle else ""
    yield "simulated", f"{program.width} of {program.num_qubits} qubits, {1 << program.width:,} amplitudes{note}"


def _costs(unitary: QuantumCircuit, program: Program, num_stages: int, batch_size: int) -> Iterator[Finding]:
    import torch

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
    import torch

    from qiskit_qgen.circuits import pauli_observables
    from qiskit_qgen.execution import LocalExecution

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
