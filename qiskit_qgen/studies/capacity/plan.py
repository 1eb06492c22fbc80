"""Predicts what a capacity study would show, before any training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qiskit_qgen._typing import PathLike
from qiskit_qgen.studies.capacity.grid import CapacityGrid, generator_name
from qiskit_qgen.studies.capacity.models import AutoencoderSettings
from qiskit_qgen.studies.capacity.optimality import OptimalityRule
from qiskit_qgen.studies.capacity.power import CapacityPlan, CapacityPower, measured_plan, simulate_power
from qiskit_qgen.studies.capacity.run import capacity_models, trained_sizes
from qiskit_qgen.studies.capacity.study import CapacityStudy
from qiskit_qgen.studies.given import settings_of

_IMAGE_SHAPE = (1, 28, 28)  # only the autoencoder's parameters depend on it


def plan_capacity_study(
    grid: CapacityGrid | Mapping[str, Any] | None = None,
    *,
    plan: CapacityPlan | Mapping[str, Any] | None = None,
    rule: OptimalityRule | Mapping[str, Any] | None = None,
    measured_in: CapacityStudy | PathLike | None = None,
    autoencoder: AutoencoderSettings | Mapping[str, Any] | None = None,
    model: Any = None,
    classical: Any = None,
) -> CapacityPower:
    """Predict in seconds what a capacity study of this design would show if the optimal sizes grew by a known law.

    The function simulates scores according to ``plan`` for an exponential, a power and a linear law and for a constant
    size, and judges them as :func:`~qiskit_qgen.studies.run_capacity_study` judges trained generators. The result tells
    how often this shows growth or names the right law, and how often it shows growth where there is none or names a
    wrong law.

    Args:
        grid: Sizes and seeds. Like all settings here, pass a settings object, a mapping by name, or None for the
            defaults.
        plan: The growth to detect, and the noise, stability and slopes of scores.
        rule: When a training is stable, and which size optimal.
        measured_in: A study, or the folder of its saved results, whose noise, stability and slopes replace the plan's.
        autoencoder: The autoencoder's settings; its latent dimension affects the sizes.
        model: The model's settings, as for :func:`~qiskit_qgen.studies.run_capacity_study`.
        classical: The settings of the classical generators.

    Raises:
        ArgumentError: If a setting is out of range, or the folder holds no study.
        ArgumentTypeError: If a setting has the wrong type.
        CheckpointError: If the folder's study is damaged.

    Example:
        >>> grid = {"num_layers": [1, 2, 4, 8], "critic_widths": [32, 80, 200, 512], "seeds": [0, 1, 2]}
        >>> plan_capacity_study(grid, plan={"num_studies": 20}).names_laws("critic")
        False
    """
    sizes, chosen = settings_of("grid", grid, CapacityGrid), settings_of("plan", plan, CapacityPlan)
    how = settings_of("rule", rule, OptimalityRule)
    if measured_in is not None:
        study = measured_in if isinstance(measured_in, CapacityStudy) else CapacityStudy.load(measured_in)
        counts = study.analysis.num_trials
        chosen = measured_plan(study.analysis.tables, counts["stable"] / counts["planned"], chosen)
    codec = settings_of("autoencoder", autoencoder, AutoencoderSettings)
    models = capacity_models(model, classical, None, None)
    configurations = sizes.configurations({})
    parameters = trained_sizes(configurations, models, codec, _IMAGE_SHAPE)
    kinds = {generator_name(each): each["generator"] for each in configurations}
    quantum, rivals = (
        {name: parameters["generators"][name] for name, own in kinds.items() if own == kind}
        for kind in ("quantum", "classical")
    )
    critics = sorted(parameters["critics"].values())
    return simulate_power(quantum, rivals, critics, len(sizes.seeds), plan=chosen, rule=how)
