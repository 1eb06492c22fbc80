"""How Aer simulates: the options of an execution on Aer, declared and checked once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from qiskit.providers import BackendV2

from qiskit_qgen._checks import check_choice, check_float, check_int, check_threads, check_type
from qiskit_qgen._random import SEED_MAXIMUM
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution.aer.noise_models import HardwareNoise
from qiskit_qgen.primitives.pubs import shots_of_precision

METHODS = (
    *("automatic", "statevector", "density_matrix", "matrix_product_state", "stabilizer", "extended_stabilizer"),
    "tensor_network",
)


@dataclass(frozen=True, kw_only=True)
class AerOptions:
    """How Aer simulates.

    Raises:
        ArgumentTypeError: If ``noise_model`` has the wrong type.
        ArgumentError: If an option has another value than its description allows, or no effect, or if Aer lacks the
            device or the method; the message lists what it has.
    """

    device: str = "CPU"
    """The device: "CPU" or "GPU"."""
    method: str = "automatic"
    """Aer's simulation method. "automatic" takes state vectors for circuits without errors. With errors it takes
    density matrices, unless one run per shot is faster: for more than log2(2 shots) qubits, 11 for 1024 shots."""
    shots: int | None = None
    """Shots of each measured circuit; None for exact values."""
    precision: float | None = None
    """Instead of ``shots``, the standard error to aim at, above 0: 1 / precision**2 shots of each measured circuit."""
    noise_model: Any = field(default=None, hash=False)
    """The errors; None for none.

    - Noise of :mod:`qiskit_qgen.execution`, such as ``depolarizing_noise(...)``: each gate is translated by itself to
      those of the hardware, and nothing is merged or cancelled.
    - Aer's ``NoiseModel``: the circuit is run as it is written, and qubit i of it is qubit i of the model. Only what
      Aer's density matrices lack is replaced by its definition. Observables are measured without errors but those of
      the readout. Errors on gates that the circuit does not contain, or that stand for others, give a
      ``UserWarning``.
    - A device or its name, such as "fake_torino": circuits are laid out and routed on its qubits, which have their own
      errors, and each gate is translated by itself to the device's; those that are in its gates, on its qubits, are run
      as they are. Names that do not begin with ``fake_`` are looked up with the saved account.
    """
    seed: int | None = None
    """Seed of the shots, also of runs of the primitives that ask for theirs, and of SPSA's directions: of one stream,
    that goes on from call to call, so that each pass has shots of its own. None for another one each time."""
    threads: int | None = None
    """The number of threads; None for one per core. Aer takes at most as many as OpenMP offers: one per core, or
    ``OMP_NUM_THREADS``."""
    custatevec: bool = False
    """Whether NVIDIA's cuStateVec simulates, on a GPU."""
    batched_shots: bool | None = None
    """Whether the rows or shots of small circuits run in batches on a GPU; None leaves it to Aer."""
    target_gpus: tuple[int, ...] | None = None
    """The numbers of the GPUs to use; None for all."""

    def __post_init__(self) -> None:
        check_choice("device", self.device, ("CPU", "GPU"))
        check_choice("method", self.method, METHODS)
        check_threads(self.threads)
        if self.noise_model is not None:
            from qiskit_aer.noise import NoiseModel

            rule = "an Aer NoiseModel, a HardwareNoise such as depolarizing_noise(...), a device or its name"
            check_type("noise_model", self.noise_model, (NoiseModel, HardwareNoise, BackendV2, str), rule)
        self._check_shots()
        self._check_device()

    def _check_shots(self) -> None:
        if self.shots is not None:
            check_int("shots", self.shots, minimum=1)
        if self.precision is not None:
            check_float("precision", self.precision, minimum=0.0, open_minimum=True)
            if self.shots is not None:
                raise ArgumentError("Arguments `shots` and `precision` exclude each other: give one of them.")
        if self.seed is not None:
            check_int("seed", self.seed, minimum=0, maximum=SEED_MAXIMUM)

    def _check_device(self) -> None:
        from qiskit_aer import AerSimulator

        simulator = AerSimulator()
        devices, methods = simulator.available_devices(), simulator.available_methods()
        if self.device not in devices:
            raise ArgumentError(
                f"Argument `device` must be a device that Aer has here, but is {self.device!r}: the devices are "
                f"{list(devices)}, with the methods {list(methods)}. For NVIDIA GPUs, replace qiskit-aer by "
                "qiskit-aer-gpu."
            )
        if self.method != "automatic" and self.method not in methods:
            raise ArgumentError(
                f"Argument `method` must be a method that Aer has here, one of {list(methods)}, but is {self.method!r}."
            )
        given = {
            "custatevec": self.custatevec,
            "batched_shots": self.batched_shots is not None,
            "target_gpus": self.target_gpus is not None,
        }
        for name, is_given in given.items():
            if is_given and self.device != "GPU":
                raise ArgumentError(f"Argument `{name}` has no effect on a CPU: give `device`='GPU', or leave it out.")
        if self.custatevec and self.batched_shots:
            raise ArgumentError("Arguments `custatevec` and `batched_shots` exclude each other in Aer: give one.")
        for number in self.target_gpus or ():
            check_int("target_gpus", number, minimum=0)

    @property
    def num_shots(self) -> int | None:
        """Shots of each measured circuit, given as such or by their precision; None for exact values."""
        return self.shots if self.precision is None else shots_of_precision(self.precision)

    def run_options(self) -> dict[str, Any]:
        """Return them in Aer's words, except the method and the noise."""
        options = {
            "device": self.device,
            "max_parallel_threads": self.threads or 0,
            "max_parallel_shots": 0,
            "runtime_parameter_bind_enable": True,
        }
        if self.device == "GPU":
            options |= {"cuStateVec_enable": self.custatevec, "batched_shots_gpu": bool(self.batched_shots)}
            if self.target_gpus is not None:
                options["target_gpus"] = list(self.target_gpus)
        return options
