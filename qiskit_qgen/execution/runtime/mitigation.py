"""Error suppression and mitigation as one object, checked as a whole before anything is sent."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError

if TYPE_CHECKING:
    from qiskit_ibm_runtime.options_models import (
        DynamicalDecouplingOptions,
        EstimatorOptions,
        MeasureNoiseLearningOptions,
        PecOptions,
        SamplerOptions,
        TwirlingOptions,
        ZneOptions,
    )


_TYPES = frozenset({"str", "int", "float", "bool", "tuple", "list", "none"})  # as pydantic names what it tried


@dataclass(frozen=True, kw_only=True)
class MitigationPlan:
    """How often a circuit is run."""

    randomizations: int
    """Random versions of each circuit."""
    shots_per_randomization: int
    """Shots of each version."""
    noise_factors: tuple[float, ...]
    """How much longer the circuits of each amplification of the noise are."""
    overhead: float
    """By how much PEC may multiply the versions."""
    calibrations: int
    """Versions of the circuit that learns the readout errors, once per job."""
    twirls_gates: bool
    """Whether the versions differ in their gates."""


@dataclass(frozen=True, kw_only=True)
class ErrorMitigation:
    """What is done against the errors of a device, in the words of Runtime's own options.

    Every part is off unless ``resilience_level`` or an argument here turns it on. A part is given as True or False, or
    as Runtime's option object for it, or as a dict of that object's fields: giving its options turns it on. What would
    have no effect is an error here.

    Twirling raises the number of shots, and levels 1 and 2 and ``measurement`` twirl: Runtime divides the shots among
    random versions of a circuit, all of the same size. Unless ``num_randomizations`` or ``shots_per_randomization`` is
    given, that size is s = max(64, ceil(shots / 32)), or 64 with PEC, and ceil(shots / s) versions are run: 10 shots
    become 64, 1000 become 1024, 3000 become 3008. Estimates of cost count what is run.

    Raises:
        ArgumentError: If Runtime's options refuse a value, if parts exclude each other (ZNE and PEC), if something is
            missing (PEC without a noise model), or if an option has no effect.

    Example:
        >>> ErrorMitigation(zne={"noise_factors": (1, 3, 5), "extrapolator": "linear"}).zne_mitigation
        True
    """

    resilience_level: int | None = None
    """Runtime's preset: 0 for nothing, 1 for readout mitigation, 2 for readout mitigation, gate twirling and ZNE; None
    is 0."""
    measurement: bool | None = None
    """Mitigation of readout errors (TREX); None leaves it to the level."""
    measure_noise_learning: MeasureNoiseLearningOptions | Mapping[str, Any] | None = None
    """How the readout errors are learned: ``num_randomizations``."""
    zne: bool | ZneOptions | Mapping[str, Any] | None = None
    """Zero-noise extrapolation: ``amplifier``, ``noise_factors``, ``extrapolator``, ...; None leaves it to the
    level."""
    pec: bool | PecOptions | Mapping[str, Any] | None = None
    """Probabilistic error cancellation: ``max_overhead``, ``noise_gain``."""
    layer_noise_model: Sequence[tuple[Any, Any]] | None = None
    """Pairs of a circuit layer and its ``PauliLindbladMap``, as PEC and the ZNE amplifier "pea" need them."""
    twirling: bool | TwirlingOptions | Mapping[str, Any] | None = None
    """Twirling: ``enable_gates``, ``enable_measure``, ``num_randomizations``, ...; True for gates and measurements."""
    dynamical_decoupling: bool | DynamicalDecouplingOptions | Mapping[str, Any] | None = None
    """Pulses on idle qubits: ``sequence_type``, ``scheduling_method``, ..."""

    def __post_init__(self) -> None:
        if self.resilience_level is not None:
            check_int("resilience_level", self.resilience_level, minimum=0, maximum=2)
        if self.measurement is not None:
            check_type("measurement", self.measurement, bool, "a bool or None")
        _check_layers(self.layer_noise_model)
        for name in ("zne", "pec", "twirling", "dynamical_decoupling"):
            if getattr(self, name) == {}:
                raise ArgumentError(f"Argument `{name}` must be True or hold an option, but is an empty dict.")
        _check_together(self, self._finalized())

    @property
    def zne_mitigation(self) -> bool:
        """Whether zero-noise extrapolation is on."""
        return bool(self._finalized().resilience.zne_mitigation)

    @property
    def mitigates(self) -> bool:
        """Whether results are mitigated, which only expectation values can be: readout mitigation, ZNE or PEC."""
        resilience = self._finalized().resilience
        return bool(resilience.measure_mitigation or resilience.zne_mitigation or resilience.pec_mitigation)

    def plan(self, shots: int) -> MitigationPlan:
        """Return how often a circuit is run for ``shots`` shots of one measurement."""
        from qiskit_ibm_runtime.executor_estimator.utils import resolve_noise_factors

        options = self._finalized()
        resilience, twirling = options.resilience, options.twirling
        runs = (1, shots)
        if resilience.pec_mitigation or twirling.enable_gates or twirling.enable_measure:
            default = 64 if resilience.pec_mitigation else max(64, math.ceil(shots / 32))
            runs = _divided(shots, twirling.num_randomizations, twirling.shots_per_randomization, default)
        learning = resilience.measure_noise_learning.num_randomizations
        calibrations = runs[0] if learning == "auto" else learning
        factors = resolve_noise_factors(resilience.zne)[0].tolist() if resilience.zne_mitigation else [1.0]
        return MitigationPlan(
            randomizations=runs[0],
            shots_per_randomization=runs[1],
            noise_factors=tuple(factors),
            overhead=max(1.0, resilience.pec.max_overhead) if resilience.pec_mitigation else 1.0,
            twirls_gates=bool(twirling.enable_gates),
            calibrations=calibrations if resilience.measure_mitigation else 0,
        )

    def to_options(
        self, *, shots: int | None = None, seed: int | None = None, noisy_device: bool = True
    ) -> EstimatorOptions:
        """Return the options for Runtime's client-side ``Estimator``.

        Args:
            shots: Shots per measured circuit; None for Runtime's default, 4096.
            seed: Seed of a local simulation.
            noisy_device: False for an ideal simulator, on which the noise of ``layer_noise_model`` is simulated; a
                device or its model has its own.
        """
        options = self._built()
        options.default_shots = shots
        options.simulator.seed_simulator = seed
        if self.layer_noise_model is not None and noisy_device:
            options.simulator.layer_noise_model = []
        options.simulator.warn_absent = False  # layers without noise, such as measurements, are meant so
        return options

    def to_sampler_options(self, *, shots: int | None = None, seed: int | None = None) -> SamplerOptions:
        """Return the options for Runtime's client-side ``Sampler``: twirling and dynamical decoupling.

        Args:
            shots: Shots per circuit; None for Runtime's default, 4096.
            seed: Seed of a local simulation.

        Raises:
            ArgumentError: If something is on that acts on expectation values only.
        """
        from qiskit_ibm_runtime.options_models import SamplerOptions

        self._refuse_for_samples()
        built = self._built()
        options = SamplerOptions(twirling=built.twirling, dynamical_decoupling=built.dynamical_decoupling)
        options.simulator.seed_simulator = seed
        if shots is not None:
            options.default_shots = shots
        return options

    def to_legacy_options(
        self, *, shots: int | None = None, seed: int | None = None, local: bool, sampler: bool = False
    ) -> dict[str, Any]:
        """Return the options for Runtime's older ``EstimatorV2`` and ``SamplerV2``, as a dict.

        Args:
            shots: Shots per circuit; None for Runtime's default, 4096.
            seed: Seed of a local simulation.
            local: Whether the job runs in local testing mode, where the older primitives mitigate nothing.
            sampler: Whether the options are for ``SamplerV2``.

        Raises:
            ArgumentError: If the older primitives would ignore something that is on.
        """
        options: dict[str, Any] = {} if shots is None else {"default_shots": shots}
        if seed is not None and local:
            options["simulator"] = {"seed_simulator": seed}
        if local:
            if self != ErrorMitigation():
                raise ArgumentError(
                    "Argument `mitigation` must be None for the older EstimatorV2 and SamplerV2 on a local device, "
                    "where they ignore it; the client-side primitives of qiskit-ibm-runtime 0.49 and later act on it."
                )
            return options
        if sampler:
            self._refuse_for_samples()
        if self.layer_noise_model is not None:
            raise ArgumentError(
                "Argument `layer_noise_model` must be None for the older EstimatorV2, which learns the noise itself."
            )
        built = self._built()
        names = {"twirling", "dynamical_decoupling"} if sampler else {"twirling", "dynamical_decoupling", "resilience"}
        given = built.model_dump(include=names, exclude_unset=True)
        given |= {} if sampler else {"resilience": _without_none(given.get("resilience", {}))}
        options |= {name: fields for name, fields in given.items() if fields}
        if not sampler:
            options["resilience_level"] = built.resilience_level
        _check_legacy(options, sampler=sampler)
        return options

    def _refuse_for_samples(self) -> None:
        if self.mitigates:
            raise ArgumentError(
                "Argument `mitigation` must hold nothing but twirling and dynamical decoupling for probabilities: "
                "readout mitigation, ZNE and PEC act on expectation values only. Read out observables instead."
            )

    def _built(self) -> EstimatorOptions:
        """Return a fresh Runtime object with these options, before its own defaults of the level."""
        from pydantic import ValidationError
        from qiskit_ibm_runtime.options_models import EstimatorOptions

        resilience: dict[str, Any] = {"measure_mitigation": self.measurement}
        for name, flag in (("zne", "zne_mitigation"), ("pec", "pec_mitigation")):
            resilience |= _switch(name, getattr(self, name), flag)
        if self.measure_noise_learning is not None:
            resilience["measure_noise_learning"] = _fields("measure_noise_learning", self.measure_noise_learning)
        if self.layer_noise_model is not None:
            resilience["layer_noise_model"] = list(self.layer_noise_model)
        twirling = self.twirling
        if isinstance(twirling, bool):
            twirling = {"enable_gates": twirling, "enable_measure": twirling}
        decoupling = self.dynamical_decoupling
        if isinstance(decoupling, bool):
            decoupling = {"enable": decoupling}
        elif decoupling is not None:
            decoupling = {"enable": True} | _fields("dynamical_decoupling", decoupling)
        try:
            return EstimatorOptions(
                resilience_level=self.resilience_level or 0,
                resilience=resilience,
                twirling={} if twirling is None else _fields("twirling", twirling),
                dynamical_decoupling=decoupling or {},
            )
        except ValidationError as error:
            raise ArgumentError(_sentence(error.errors())) from error

    def _finalized(self) -> EstimatorOptions:
        """Return Runtime's own resolution of the options, in which nothing is None; what it would change raises."""
        from qiskit_ibm_runtime.executor_estimator.finalize_options import finalize_estimator_options

        options = self._built()
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            try:
                return finalize_estimator_options(options)
            except UserWarning as warning:
                raise ArgumentError(f"Argument `twirling` does not fit the mitigation: {warning}") from None


def _check_layers(model: Any) -> None:
    """Raise an error unless ``model`` is None or holds pairs of a layer and its noise."""
    if model is None:
        return
    from qiskit.circuit import CircuitInstruction
    from qiskit.quantum_info import PauliLindbladMap

    rule = "a sequence of pairs of a circuit layer (CircuitInstruction) and its PauliLindbladMap"
    for pair in check_type("layer_noise_model", model, Sequence, rule):
        right = isinstance(pair, Sequence) and len(pair) == 2
        if not (right and isinstance(pair[0], CircuitInstruction) and isinstance(pair[1], PauliLindbladMap)):
            raise ArgumentTypeError(f"Argument `layer_noise_model` must be {rule}, but holds {pair!r}.")


def _sentence(errors: Sequence[Mapping[str, Any]]) -> str:
    """Return what Runtime has against an option, without the innards of its checks, one for each type that it tried."""

    def name(error: Mapping[str, Any]) -> str:
        parts = [str(part) for part in error["loc"]]
        return ".".join(part for part in parts if re.fullmatch(r"[a-z_]+", part) and part not in _TYPES)

    first = name(errors[0])
    found = [error["msg"].removeprefix("Value error, ").rstrip(".") for error in errors if name(error) == first]
    listed = [rule if number == 0 else rule[0].lower() + rule[1:] for number, rule in enumerate(dict.fromkeys(found))]
    if listed == ["Extra inputs are not permitted"]:
        listed = ["There is no such option"]
    return f"Option `{first}` of the mitigation is refused by Runtime: {', or '.join(listed)}."


def _divided(shots: int, randomizations: int | str, each: int | str, default: int) -> tuple[int, int]:
    """Return the numbers of random versions and of shots of each, as Runtime resolves what is "auto"."""
    if randomizations != "auto":
        return int(randomizations), math.ceil(shots / int(randomizations)) if each == "auto" else int(each)
    per_version = default if each == "auto" else int(each)
    return math.ceil(shots / per_version), per_version


def _fields(name: str, given: Any) -> dict[str, Any]:
    """Return the fields that were set, of an option object or a dict."""
    if hasattr(given, "model_dump"):
        return dict(given.model_dump(exclude_unset=True))
    return dict(check_type(name, given, Mapping, "a bool, a dict or Runtime's option object"))


def _switch(name: str, given: Any, flag: str) -> dict[str, Any]:
    """Return the resilience options of one method: its switch and, if options were given, those."""
    if given is None:
        return {}
    if isinstance(given, bool):
        return {flag: given}
    return {flag: True, name: _fields(name, given)}


def _check_together(mitigation: ErrorMitigation, options: EstimatorOptions) -> None:
    """Raise ArgumentError if the parts do not fit each other."""
    from qiskit_ibm_runtime.exceptions import IBMInputValueError
    from qiskit_ibm_runtime.executor_estimator.utils import resolve_noise_factors, validate_noise_factors

    resilience, twirling = options.resilience, options.twirling
    if resilience.zne_mitigation and resilience.pec_mitigation:
        remedy = "set `zne` to False" if mitigation.zne is None else "choose one of them"
        raise ArgumentError(f"Arguments `zne` and `pec` must not both be on, since ZNE excludes PEC: {remedy}.")
    if resilience.pec_mitigation and resilience.pec.max_overhead is None:
        raise ArgumentError("Argument `pec` must have a finite `max_overhead`, which bounds its cost, but it is None.")
    amplified = resilience.zne_mitigation and resilience.zne.amplifier == "pea"
    if resilience.pec_mitigation or amplified:
        if not mitigation.layer_noise_model:
            what = "`pec`" if resilience.pec_mitigation else "`zne` with the amplifier 'pea'"
            raise ArgumentError(
                f"Argument `layer_noise_model` must be given for {what}, which needs the noise of each layer: take the "
                "layers from `execution.estimator().device.unique_layers(circuit)`, learn their noise on the device "
                "with qiskit_ibm_runtime.NoiseLearnerV3, and pass the pairs of layer and PauliLindbladMap."
            )
    elif mitigation.layer_noise_model is not None:
        _refuse("layer_noise_model", "PEC and the ZNE amplifier 'pea' are off")
    if resilience.zne_mitigation:
        extrapolators = resilience.zne.extrapolator
        listed = [extrapolators] if isinstance(extrapolators, str) else list(extrapolators)
        try:
            validate_noise_factors(resolve_noise_factors(resilience.zne)[0], listed)
        except IBMInputValueError as error:
            raise ArgumentError(f"Argument `zne` has too few noise factors: {error.message}.") from None
    if mitigation.measure_noise_learning is not None and not resilience.measure_mitigation:
        _refuse("measure_noise_learning", "readout mitigation is off")
    if not (twirling.enable_gates or twirling.enable_measure) and twirling.model_fields_set - {
        "enable_gates",
        "enable_measure",
    }:
        _refuse("twirling", "neither gates nor measurements are twirled: set `enable_gates` or `enable_measure`")
    decoupling = options.dynamical_decoupling
    if not decoupling.enable and decoupling.model_fields_set - {"enable"}:
        _refuse("dynamical_decoupling", "`enable` is False")


def _without_none(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _check_legacy(options: dict[str, Any], *, sampler: bool) -> None:
    """Raise ArgumentError if the older primitives do not know an option."""
    from pydantic import ValidationError
    from qiskit_ibm_runtime.options import EstimatorOptions, SamplerOptions

    try:
        (SamplerOptions if sampler else EstimatorOptions)(**options)
    except ValidationError as error:
        raise ArgumentError(f"{_sentence(error.errors()).rstrip('.')} (the older primitives).") from error


def _refuse(name: str, reason: str) -> None:
    raise ArgumentError(f"Argument `{name}` must be left out when it has no effect: {reason}.")
