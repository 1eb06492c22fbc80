"""Circuits as Aer runs them rightly and fast: transpiled once, on as few qubits as they need, with plain angles."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from qiskit.circuit import Parameter, ParameterExpression, QuantumCircuit, Qubit
from qiskit.circuit.library import UnitaryGate
from qiskit.exceptions import QiskitError
from qiskit.providers import BackendV2
from qiskit.quantum_info import Operator
from qiskit.transpiler import PassManager, generate_preset_pass_manager
from qiskit.transpiler.passes import HighLevelSynthesis, RemoveResetInZeroState

from qiskit_qgen._checks import renamed_arguments
from qiskit_qgen.exceptions import UnsupportedCircuitError
from qiskit_qgen.execution.aer.circuit_noise import CircuitNoise, instructions, noise_on, warn_of_replaced
from qiskit_qgen.execution.aer.noise_models import HardwareNoise
from qiskit_qgen.execution.devices import check_width, gate_by_gate, is_laid_out, restricted_backend
from qiskit_qgen.simulator.programs.expressions import SlotEvaluator

EXACT_GATES = (
    *("id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "rx", "ry", "rz", "p", "u", "r"),
    *("cx", "cy", "cz", "ecr", "swap", "ccx", "ccz", "cswap", "rxx", "ryy", "rzz", "rzx", "reset", "measure"),
)
"""The gates of circuits without noise: those with angles are the ones that Aer binds rightly."""
_RANDOM = frozenset({"reset", "kraus", "quantum_channel", "superop"})
_CONTROL_FLOW = ("if_else", "for_loop", "while_loop", "switch_case")


@dataclass(frozen=True, eq=False)
class AerCircuit:
    """A circuit for Aer.

    Args:
        circuit: The circuit on the qubits that it needs; its parameters are :attr:`slots`.
        slots: The angles, in order.
        evaluator: Values of the parameters of the circuit that was asked for, (B, P), to those of the slots.
        positions: For qubits of the circuit that was asked for, the qubit of ``circuit`` that holds it at the end;
            those that nothing happens to are left out, unless they were needed.
        noise: The noise on the qubits of ``circuit``; None for none.
        basis: Gates by their Pauli: what turns the measurement of X or Y into one of Z, as (circuit of one qubit).
        is_dynamic: Whether something happens to a qubit after its measurement, or depends on a measured bit.
        is_random: Whether the final state of one run depends on chance: by errors, resets or measurements.
        binds_rows: Whether each row is a circuit of its own, since Aer 0.18 binds wrong values into some gates
            (``cp``, ``u2``) and none into delays.
    """

    circuit: QuantumCircuit
    slots: tuple[Parameter, ...]
    evaluator: SlotEvaluator
    positions: dict[int, int]
    noise: CircuitNoise | None
    basis: dict[str, QuantumCircuit]
    is_dynamic: bool
    is_random: bool
    binds_rows: bool

    @property
    def num_qubits(self) -> int:
        """The number of qubits that are simulated."""
        return int(self.circuit.num_qubits)

    def angles(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the values of the slots, (B, num_slots), for values of the parameters, (B, num_parameters)."""
        if not self.slots:
            return np.zeros((len(rows), 0))
        with torch.no_grad():
            return self.evaluator(torch.from_numpy(np.ascontiguousarray(rows))).numpy()

    def rotated(self, paulis: dict[int, str]) -> QuantumCircuit:
        """Return the circuit, followed by what makes Z of the Paulis of some of its qubits."""
        copied = self.circuit.copy()
        for qubit, pauli in paulis.items():
            if pauli in self.basis:
                copied.compose(self.basis[pauli], [qubit], inplace=True)
        return copied


class AerTranspiler:
    """Makes circuits such as Aer runs them rightly.

    Without noise, in gates whose angles Aer binds rightly. With Aer's noise model, as they are written, since merged,
    cancelled or translated gates have other errors: only what Aer does not know is replaced by its definition. With
    the noise of a kind of hardware, each gate by itself in the hardware's gates. With a device, likewise in the
    device's gates, laid out on its qubits, with the errors of those. The circuit's qubits are a noise model's.

    Args:
        noise: Aer's ``NoiseModel``, or the noise of a kind of hardware; None for none, or for a device's.
        backend: The device; None for none.
    """

    def __init__(self, noise: Any = None, backend: BackendV2 | None = None) -> None:
        self._model = noise.to_noise_model() if isinstance(noise, HardwareNoise) else noise
        self._backend = backend
        self._as_written = noise is not None and not isinstance(noise, HardwareNoise)
        if backend is not None:
            self._manager = gate_by_gate(backend=backend)
            self._gates = [name for name in backend.operation_names if name not in _CONTROL_FLOW]
            return
        if self._as_written:
            self._gates = _gates_of_aer()
            known = [*self._gates, "measure", "delay", "barrier", *_CONTROL_FLOW]
            self._manager = PassManager([HighLevelSynthesis(basis_gates=known)])
            return
        self._gates = list(EXACT_GATES) if noise is None else [*self._model.basis_gates, "id"]
        self._manager = generate_preset_pass_manager(
            optimization_level=0 if noise else 1,
            basis_gates=[*self._gates, "reset", "measure", "delay", *_CONTROL_FLOW],
            seed_transpiler=0,
        )

    def __call__(self, circuit: QuantumCircuit, needed: Collection[int] = ()) -> AerCircuit:
        """Return the circuit for Aer.

        Args:
            circuit: The circuit.
            needed: The qubits to read out, besides those that are measured.

        Raises:
            ArgumentError: If the circuit is wider than the device.
            UnsupportedCircuitError: If an instruction cannot be expressed in the gates, or the circuit has boxes,
                variables or stretches.

        Warns:
            UserWarning: If a noise model's errors on some gates do not act on the circuit, or act on gates that stand
                for others.
        """
        if circuit.num_identifiers or not names_of(circuit).isdisjoint({"box", "store"}):
            raise UnsupportedCircuitError(
                "Aer runs circuits without boxes, variables and stretches, but this one has some: put the gates of "
                "boxes into the circuit itself, and numbers in the place of variables and stretches."
            )
        if self._backend is not None:
            with renamed_arguments({"backend": "noise_model"}):
                check_width(circuit.num_qubits, self._backend)
        isa, layout = circuit, list(range(circuit.num_qubits))
        if self._backend is None or not is_laid_out(circuit, self._backend):
            isa = self._transpiled(self._manager, circuit)
            if isa.layout is not None and self._backend is not None:
                layout = isa.layout.final_index_layout(filter_ancillas=True)
        used = {isa.find_bit(qubit).index for entry in isa.data if entry.name != "barrier" for qubit in entry.qubits}
        kept = sorted(used | {layout[qubit] for qubit in needed})
        place = {qubit: number for number, qubit in enumerate(kept)}
        noise = self._noise(kept)
        narrow, slots, expressions = _with_slots(isa, place, delays=noise is not None and noise.in_delays)
        if not self._as_written:
            narrow = PassManager([RemoveResetInZeroState()]).run(narrow)
        dynamic = _is_dynamic(narrow)
        basis = self._basis()
        if noise is not None and self._model is not None:
            if self._as_written:
                warn_of_replaced(circuit, self._model, self._manager.run)
            self._check_noise(noise, narrow, basis)
        in_gates = noise is not None and noise.in_gates
        return AerCircuit(
            circuit=narrow,
            slots=tuple(slots),
            evaluator=SlotEvaluator(list(circuit.parameters), expressions),
            positions={number: place[qubit] for number, qubit in enumerate(layout) if qubit in place},
            noise=noise,
            basis=basis,
            is_dynamic=dynamic,
            is_random=dynamic or in_gates or any(entry.name in _RANDOM for entry in narrow.data),
            binds_rows=any(
                entry.name not in EXACT_GATES and any(isinstance(value, Parameter) for value in entry.operation.params)
                for entry in narrow.data
            ),
        )

    def _transpiled(self, manager: Any, circuit: QuantumCircuit) -> QuantumCircuit:
        try:
            return manager.run(circuit)
        except QiskitError as error:
            message = str(error.message).strip().rstrip(".")
            raise UnsupportedCircuitError(
                f"The circuit cannot be expressed in the gates {sorted(self._gates)}: {message}."
            ) from error

    def _noise(self, kept: Sequence[int]) -> CircuitNoise | None:
        if self._backend is not None:
            from qiskit_aer.noise import NoiseModel  # which it estimates from the device's calibration

            return noise_on(NoiseModel.from_backend(restricted_backend(self._backend, kept)), range(len(kept)))
        return None if self._model is None else noise_on(self._model, kept)

    def _check_noise(self, noise: CircuitNoise, circuit: QuantumCircuit, basis: dict[str, QuantumCircuit]) -> None:
        """Warn of errors that do not act on a circuit with gates: of any of Aer's model, of all of hardware's."""
        run = [circuit] if self._as_written else [circuit, *basis.values()]
        inert = noise.gates - noise.acting_on(*run)
        if not circuit.data or not inert or not (self._as_written or (inert == noise.gates and noise.reads_rightly)):
            return
        warnings.warn(
            f"The errors of `noise_model` on {sorted(inert)} do not act on the circuit, which is run as "
            f"{sorted(set().union(*map(names_of, run)))}: give errors to these, or the "
            "circuit in gates that have them.",
            stacklevel=2,
        )

    def _basis(self) -> dict[str, QuantumCircuit]:
        changes = {}
        for pauli in "XY":
            change = QuantumCircuit(1)
            if pauli == "Y":
                change.sdg(0)
            change.h(0)
            changes[pauli] = change
        if not self._as_written:
            manager = generate_preset_pass_manager(optimization_level=1, basis_gates=self._gates, seed_transpiler=0)
            return {pauli: self._transpiled(manager, change) for pauli, change in changes.items()}
        if {"h", "sdg"} & set(self._model.noise_instructions):  # whose errors are those of the circuit's gates alone
            for change in changes.values():
                matrix = UnitaryGate(Operator(change))
                change.clear()
                change.append(matrix, [0])
        return changes


def names_of(circuit: QuantumCircuit) -> set[str]:
    """Return the names of a circuit's instructions, those in blocks of its control flow among them."""
    return {entry.name for entry, _ in instructions(circuit)}


def _gates_of_aer() -> list[str]:
    """Return all that Aer's density matrices can do: what state vectors can do besides is expanded."""
    from qiskit_aer import AerSimulator

    names = AerSimulator(method="density_matrix").configuration().basis_gates
    return [name for name in names if not name.startswith(("save_", "set_"))]


def _with_slots(
    isa: QuantumCircuit, place: dict[int, int], *, delays: bool
) -> tuple[QuantumCircuit, list[Parameter], list[ParameterExpression]]:
    """Return the circuit on some of its qubits with a parameter of its own for each angle, and the angles.

    Aer evaluates an expression in Python for each row; here it is evaluated for all rows at once. The global phase is
    dropped.
    """
    narrow = QuantumCircuit(len(place))
    narrow.add_bits(isa.clbits)
    for register in isa.cregs:
        narrow.add_register(register)
    slots: list[Parameter] = []
    expressions: list[ParameterExpression] = []
    for entry in isa.data:
        if entry.name == "barrier" or (entry.name == "delay" and not delays):
            continue
        operation = entry.operation
        if operation.name in _CONTROL_FLOW and any(block.parameters for block in operation.blocks):
            raise UnsupportedCircuitError(
                f"The circuit has an angle inside `{operation.name}`, which Aer cannot bind: give it a value first."
            )
        if any(isinstance(value, ParameterExpression) and value.parameters for value in operation.params):
            operation = operation.to_mutable()
            values = list(operation.params)
            for number, value in enumerate(values):
                if isinstance(value, ParameterExpression) and value.parameters:
                    values[number] = Parameter(f"angle[{len(slots)}]")
                    slots.append(values[number])
                    expressions.append(value)
            operation.params = values
        narrow.append(operation, [place[isa.find_bit(qubit).index] for qubit in entry.qubits], entry.clbits)
    return narrow, slots, expressions


def _is_dynamic(circuit: QuantumCircuit) -> bool:
    measured: set[Qubit] = set()
    for entry in circuit.data:
        if entry.name in _CONTROL_FLOW or measured & set(entry.qubits):
            return True
        if entry.name == "measure":
            measured |= set(entry.qubits)
    return False
