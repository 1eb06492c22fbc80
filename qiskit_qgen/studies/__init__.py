"""Experiments with models: each answers one question, with intervals, floors and the underlying numbers."""

from qiskit_qgen.layers.gradient_audit import GradientReport, audit_gradients
from qiskit_qgen.studies.arms.paired import PairedComparison
from qiskit_qgen.studies.arms.result import ArmStudy
from qiskit_qgen.studies.arms.settings import ArmSettings
from qiskit_qgen.studies.arms.study import run_low_data_study, run_placement_study
from qiskit_qgen.studies.capacity.autoencoder_sweep import AutoencoderSweep
from qiskit_qgen.studies.capacity.autoencoders import SweepSettings, run_autoencoder_sweep
from qiskit_qgen.studies.capacity.grid import CapacityGrid
from qiskit_qgen.studies.capacity.laws import fit_laws
from qiskit_qgen.studies.capacity.models import AutoencoderSettings
from qiskit_qgen.studies.capacity.optimality import OptimalityRule
from qiskit_qgen.studies.capacity.plan import plan_capacity_study
from qiskit_qgen.studies.capacity.power import CapacityPlan, CapacityPower
from qiskit_qgen.studies.capacity.run import run_capacity_study
from qiskit_qgen.studies.capacity.search import CapacitySearch
from qiskit_qgen.studies.capacity.study import CapacityStudy
from qiskit_qgen.studies.capacity.trial import CapacityTraining
from qiskit_qgen.studies.challengers.search import TwinSearch
from qiskit_qgen.studies.challengers.settings import TwinSettings
from qiskit_qgen.studies.challengers.twins import ClassicalTwin, classical_twin
from qiskit_qgen.studies.executions import ExecutionComparison, compare_executions
from qiskit_qgen.studies.trials.folder import study_status
from qiskit_qgen.studies.trials.run import run_trials, trial_digest

__all__ = [
    "ArmSettings",
    "ArmStudy",
    "AutoencoderSettings",
    "AutoencoderSweep",
    "CapacityGrid",
    "CapacityPlan",
    "CapacityPower",
    "CapacitySearch",
    "CapacityStudy",
    "CapacityTraining",
    "ClassicalTwin",
    "ExecutionComparison",
    "GradientReport",
    "OptimalityRule",
    "PairedComparison",
    "SweepSettings",
    "TwinSearch",
    "TwinSettings",
    "audit_gradients",
    "classical_twin",
    "compare_executions",
    "fit_laws",
    "plan_capacity_study",
    "run_autoencoder_sweep",
    "run_capacity_study",
    "run_low_data_study",
    "run_placement_study",
    "run_trials",
    "study_status",
    "trial_digest",
]
