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
from qiskit.exceptions import QiskitError
from qiskit.providers import BackendV2
from qiskit.transpiler import PassManager, generate_preset_pass_manager
from qiskit.transpiler.passes import RemoveResetInZeroState

from qiskit_qgen._checks import renamed_arguments
from qiskit_qgen.exceptions import ArgumentError, UnsupportedCircuitError
from qiskit_qgen.execution.aer.circuit_noise import CircuitNoise, noise_on
from qiskit_qgen.execution.devices import check_width, restricted_backend
from qiskit_qgen.simulator.programs.expressions import SlotEvaluator

EXACT_GATES = (
    *("id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "rx", "ry", "rz", "p", "u", "r"),
    *("cx", "cy", "cz", "ecr", "swap", "ccx", "ccz", "cswap", "rxx", "ryy", "rzz", "rzx", "reset", "measure"),
)
"""The gates of circuits without noise: those with angles are the ones that Aer binds rightly."""
MISBOUND_GATES = frozenset({"cp", "crx", "cry", "crz", "cu", "cu1", "cu3", "mcp", "mcphase", "u1", "u2", "u3"})
"""Gates with angles that Aer 0.18 binds wrongly, or that stand for others here."""
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
    """

    circuit: QuantumCircuit
    slots: tuple[Parameter, ...]
    evaluator: SlotEvaluator
    positions: dict[int, int]
    noise: CircuitNoise | None
    basis: dict[str, QuantumCircuit]
    is_dynamic: bool
    is_random: bool

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

    Without noise, in gates whose angles Aer binds rightly. With a noise model, in the model's basis gates, since these
    have the errors; the circuit's qubits are the model's. With a device, in the device's gates and laid out on its
    qubits, with the errors of those.

    Args:
        model: Aer's ``NoiseModel``; None for none, or for a device's.
        backend: The device; None for none.

    Raises:
        ArgumentError: If the noise model has errors on gates that Aer binds wrongly.
    """

    def __init__(self, model: Any = None, backend: BackendV2 | None = None) -> None:
        self._model = model
        self._backend = backend
        if backend is not None:
            self._manager = generate_preset_pass_manager(optimization_level=2, backend=backend, seed_transpiler=0)
            self._gates = [name for name in backend.operation_names if name not in _CONTROL_FLOW]
            return
        self._gates = list(EXACT_GATES)
        if model is not None:
            wrong = sorted(MISBOUND_GATES & set(model.noise_instructions))
            if wrong:
                raise ArgumentError(
                    f"Argument `noise_model` must have its errors on gates whose angles Aer binds rightly, but has "
                    f"some on {wrong}: put them on gates such as 'rz', 'sx' and 'cx'."
                )
            known = set(EXACT_GATES) - {"reset", "measure"}
            self._gates = [name for name in model.basis_gates if name in known]
        self._manager = generate_preset_pass_manager(
            optimization_level=1,
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
            UserWarning: If the noise model has errors, but none on the circuit in its gates.
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
        if not self._is_laid_out(circuit):
            isa = self._transpiled(self._manager, circuit)
            if isa.layout is not None and self._backend is not None:
                layout = isa.layout.final_index_layout(filter_ancillas=True)
        used = {isa.find_bit(qubit).index for entry in isa.data if entry.name != "barrier" for qubit in entry.qubits}
        kept = sorted(used | {layout[qubit] for qubit in needed})
        place = {qubit: number for number, qubit in enumerate(kept)}
        narrow, slots, expressions = _with_slots(isa, place)
        narrow = PassManager([RemoveResetInZeroState()]).run(narrow)
        dynamic = _is_dynamic(narrow)
        noise = self._noise(kept)
        basis = self._basis()
        if noise is not None and self._model is not None:
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
            is_random=dynamic or in_gates or any(entry.name == "reset" for entry in narrow.data),
        )

    def _is_laid_out(self, circuit: QuantumCircuit) -> bool:
        """Return whether the circuit is in the device's gates already, on the device's qubits."""
        if self._backend is None or circuit.num_qubits != self._backend.num_qubits:
            return False
        target = self._backend.target
        return all(
            entry.name == "barrier"
            or target.instruction_supported(entry.name, tuple(circuit.find_bit(qubit).index for qubit in entry.qubits))
            for entry in circuit.data
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
        """Warn if a model with errors has none on what a circuit with gates, and its measurement, consists of."""
        if self._model.is_ideal() or not circuit.data:
            return
        gates = sorted({entry.name for each in (circuit, *basis.values()) for entry in each.data})
        if not noise.acts_on(circuit) and not any(
            noise.may_act(entry.name) for c in basis.values() for entry in c.data
        ):
            warnings.warn(
                f"No error of `noise_model` acts on the circuit, which runs without noise: the errors are on "
                f"{sorted(self._model.noise_instructions)}, but the circuit and its measurement are made of {gates}.",
                stacklevel=2,
            )

    def _basis(self) -> dict[str, QuantumCircuit]:
        manager = generate_preset_pass_manager(optimization_level=1, basis_gates=self._gates, seed_transpiler=0)
        changes = {}
        for pauli in "XY":
            change = QuantumCircuit(1)
            if pauli == "Y":
                change.sdg(0)
            change.h(0)
            changes[pauli] = self._transpiled(manager, change)
        return changes


def names_of(circuit: QuantumCircuit) -> set[str]:
    """Return the names of a circuit's instructions, those in blocks of its control flow among them."""
    blocks = (block for entry in circuit.data for block in getattr(entry.operation, "blocks", ()))
    return {entry.name for entry in circuit.data}.union(*map(names_of, blocks))


def _with_slots(
    isa: QuantumCircuit, place: dict[int, int]
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
        if entry.name == "barrier":
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
