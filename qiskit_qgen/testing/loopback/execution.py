"""Decodes the parameters of jobs, runs them on a simulator and encodes the results."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from qiskit_qgen.testing.loopback.components import derived_seed, sample
from qiskit_qgen.testing.loopback.estimation import estimate, measured_bases
from qiskit_qgen.testing.loopback.routing import ApiError
from qiskit_qgen.testing.loopback.usage import MAX_EXECUTIONS

if TYPE_CHECKING:
    from qiskit_qgen.testing.loopback.devices import Device


def decode(program_id: str, body: bytes) -> Program:
    """Decode the body of a submission.

    Raises:
        ApiError: If there is no such program (404) or the parameters are not what it takes (400).
    """
    decoders: dict[str, Callable[[bytes], Program]] = {
        "executor": ExecutorProgram.decode,
        "estimator": PrimitiveProgram.decode,
        "sampler": PrimitiveProgram.decode,
    }
    if program_id not in decoders:
        raise ApiError(404, 1223, f"Program {program_id} is not found.", "Choose one of the programs of the service.")
    try:
        return decoders[program_id](body)
    except ApiError:
        raise
    except Exception as error:
        raise ApiError(400, 1517, f"The parameters do not match the schema of {program_id}: {error}.") from error


@dataclass
class ExecutorProgram:
    """A job of the "executor" program, schema 2.0."""

    program: Any
    shapes: list[tuple[int, ...]]

    @classmethod
    def decode(cls, body: bytes) -> ExecutorProgram:
        """Decode a submission."""
        from qiskit_ibm_runtime.quantum_program.params_converters import QUANTUM_PROGRAM_PARAMS_CONVERTERS

        params = json.loads(body)["params"]
        if (version := params.get("schema_version")) != "v2.0":
            raise ApiError(400, 1517, f"Schema version {version!r} is not known here.", "Use version 'v2.0'.")
        converter = QUANTUM_PROGRAM_PARAMS_CONVERTERS[version]
        program, _ = converter.decoder(converter.model.model_validate(params))
        shapes = []
        for item in program.items:
            if hasattr(item, "samplex"):
                item.samplex.finalize()
                shapes.append(tuple(item.shape))
            else:
                shapes.append(tuple(item.circuit_arguments.shape[:-1]))
        return cls(program, shapes)

    @property
    def num_pubs(self) -> int:
        """Number of items."""
        return len(self.program.items)

    @property
    def num_circuits(self) -> int:
        """Circuits after broadcasting, twirling and noise amplification."""
        return sum(math.prod(shape) for shape in self.shapes)

    @property
    def executions(self) -> int:
        """Circuits times shots."""
        return self.num_circuits * int(self.program.shots)

    @property
    def num_qubits(self) -> int:
        """Qubits of the widest circuit."""
        return max((item.circuit.num_qubits for item in self.program.items), default=0)

    def run(self, device: Device, seed: int) -> str:
        """Return the body of the results."""
        from qiskit_ibm_runtime.fake_provider.executor.broadcast_sample import broadcast_sample

        started = datetime.now(UTC)
        rng = np.random.default_rng(seed)
        arrays = []
        for index, (item, shape) in enumerate(zip(self.program.items, self.shapes, strict=True)):
            if hasattr(item, "samplex"):
                data = broadcast_sample(item.samplex, item.samplex_arguments, shape, rng)
                rows = data.pop("parameter_values")
            else:
                data, rows = {}, item.circuit_arguments
            bits = sample(item.circuit, rows, self.program.shots, device, derived_seed(seed, index))
            if device.is_mock:
                bits = {name: rng.integers(0, 2, array.shape).astype(bool) for name, array in bits.items()}
            arrays.append(data | bits)
        return self._encode(arrays, started)

    def _encode(self, arrays: list[dict[str, Any]], started: datetime) -> str:
        from ibm_quantum_schemas.common import CompressedTensorModel
        from ibm_quantum_schemas.executor import version_2_0 as schema
        from qiskit_ibm_runtime.quantum_program.converters.converters_2_0 import passthrough_data_to_2_0

        parts = []
        for index, shape in enumerate(self.shapes):
            size = math.prod(shape)
            order = list(range(len(shape)))
            parts.append(schema.ChunkPart(idx_item=index, size=size, permutation=order, element_range=(0, size, 1)))
        span = schema.ChunkSpan(start=started, stop=datetime.now(UTC), parts=parts)
        data = [
            schema.QuantumProgramResultItemModel(
                results={name: CompressedTensorModel.from_numpy(np.asarray(value)) for name, value in item.items()},
                metadata=schema.ItemMetadataModel(),
            )
            for item in arrays
        ]
        body: str = schema.QuantumProgramResultModel(
            data=data,
            metadata=schema.MetadataModel(chunk_timing=[span]),
            passthrough_data=passthrough_data_to_2_0(self.program.passthrough_data),
            semantic_role=self.program._semantic_role,
        ).model_dump_json()
        return body


@dataclass
class PrimitiveProgram:
    """A job of the older "estimator" or "sampler" program. Their mitigation options are accepted and not acted upon."""

    kind: str
    pubs: list[Any]
    options: dict[str, Any]

    @classmethod
    def decode(cls, body: bytes) -> PrimitiveProgram:
        """Decode a submission."""
        from qiskit.primitives.containers.estimator_pub import EstimatorPub
        from qiskit.primitives.containers.sampler_pub import SamplerPub
        from qiskit_ibm_runtime.json import RuntimeDecoder

        submission = json.loads(body, cls=RuntimeDecoder)
        kind, params = submission["program_id"], submission["params"]
        options = params.get("options", {})
        shots = options.get("default_shots")
        if kind == "sampler":
            pubs = [SamplerPub.coerce(tuple(pub), shots or 4096) for pub in params["pubs"]]
        else:
            precision = 1 / math.sqrt(shots) if shots else options.get("default_precision") or 0.015625
            pubs = [EstimatorPub.coerce(tuple(pub), precision) for pub in params["pubs"]]
        program = cls(kind, pubs, options)
        if kind == "sampler" and program.executions > MAX_EXECUTIONS:
            raise ApiError(
                400,
                1518,
                f"The job has {program.executions} executions, and {MAX_EXECUTIONS} is the limit.",
                "Submit several jobs.",
            )
        return program

    @property
    def num_pubs(self) -> int:
        """Number of PUBs."""
        return len(self.pubs)

    def _bases(self, pub: Any) -> int:
        return 1 if self.kind == "sampler" else len(measured_bases(pub))

    @property
    def num_circuits(self) -> int:
        """Circuits after broadcasting, one for each set of observables that are measured together."""
        return sum(pub.parameter_values.size * self._bases(pub) for pub in self.pubs)

    @property
    def executions(self) -> int:
        """Circuits times shots."""
        if self.kind == "sampler":
            return sum(pub.parameter_values.size * pub.shots for pub in self.pubs)
        return sum(pub.parameter_values.size * self._bases(pub) * math.ceil(pub.precision**-2) for pub in self.pubs)

    @property
    def num_qubits(self) -> int:
        """Qubits of the widest circuit."""
        return max((pub.circuit.num_qubits for pub in self.pubs), default=0)

    def run(self, device: Device, seed: int) -> str:
        """Return the body of the results."""
        from qiskit.primitives import PrimitiveResult
        from qiskit_ibm_runtime.json import RuntimeEncoder

        run = estimate if self.kind == "estimator" else self._sample
        results = [run(pub, device, derived_seed(seed, index)) for index, pub in enumerate(self.pubs)]
        return json.dumps(PrimitiveResult(results), cls=RuntimeEncoder)

    @staticmethod
    def _sample(pub: Any, device: Device, seed: int) -> Any:
        from qiskit.primitives import BitArray, DataBin, SamplerPubResult

        rows = pub.parameter_values.as_array(pub.circuit.parameters)
        bits = sample(pub.circuit, rows, pub.shots, device, seed)
        arrays = {name: BitArray.from_bool_array(array, order="little") for name, array in bits.items()}
        return SamplerPubResult(
            DataBin(**arrays, shape=pub.shape), metadata={"shots": pub.shots, "circuit_metadata": {}}
        )


Program: TypeAlias = ExecutorProgram | PrimitiveProgram
"""A decoded job."""
