"""Experiments with models: each answers one question with intervals, floors and the numbers behind them."""

from qiskit_qgen.layers.gradient_audit import GradientReport as GradientReport
from qiskit_qgen.layers.gradient_audit import audit_gradients as audit_gradients
from qiskit_qgen.studies.arms.paired import PairedComparison as PairedComparison
from qiskit_qgen.studies.arms.result import ArmStudy as ArmStudy
from qiskit_qgen.studies.arms.settings import ArmSettings as ArmSettings
from qiskit_qgen.studies.arms.study import run_low_data_study as run_low_data_study
from qiskit_qgen.studies.arms.study import run_placement_study as run_placement_study
from qiskit_qgen.studies.capacity.autoencoder_sweep import AutoencoderSweep as AutoencoderSweep
from qiskit_qgen.studies.capacity.autoencoders import SweepSettings as SweepSettings
from qiskit_qgen.studies.capacity.autoencoders import run_autoencoder_sweep as run_autoencoder_sweep
from qiskit_qgen.studies.capacity.grid import CapacityGrid as CapacityGrid
from qiskit_qgen.studies.capacity.laws import fit_laws as fit_laws
from qiskit_qgen.studies.capacity.models import AutoencoderSettings as AutoencoderSettings
from qiskit_qgen.studies.capacity.optimality import OptimalityRule as OptimalityRule
from qiskit_qgen.studies.capacity.search import CapacitySearch as CapacitySearch
from qiskit_qgen.studies.capacity.study import CapacityStudy as CapacityStudy
from qiskit_qgen.studies.capacity.study import run_capacity_study as run_capacity_study
from qiskit_qgen.studies.capacity.trial import CapacityTraining as CapacityTraining
from qiskit_qgen.studies.executions import ExecutionComparison as ExecutionComparison
from qiskit_qgen.studies.executions import compare_executions as compare_executions
from qiskit_qgen.studies.trials.folder import study_status as study_status
from qiskit_qgen.studies.trials.run import run_trials as run_trials
from qiskit_qgen.studies.trials.run import trial_digest as trial_digest
from qiskit_qgen.studies.twins import ClassicalTwin as ClassicalTwin
from qiskit_qgen.studies.twins import classical_twin as classical_twin

__all__ = [
    "ArmSettings",
    "ArmStudy",
    "AutoencoderSettings",
    "AutoencoderSweep",
    "CapacityGrid",
    "CapacitySearch",
    "CapacityStudy",
    "CapacityTraining",
    "ClassicalTwin",
    "ExecutionComparison",
    "GradientReport",
    "OptimalityRule",
    "PairedComparison",
    "SweepSettings",
    "audit_gradients",
    "classical_twin",
    "compare_executions",
    "fit_laws",
    "run_autoencoder_sweep",
    "run_capacity_study",
    "run_low_data_study",
    "run_placement_study",
    "run_trials",
    "study_status",
    "trial_digest",
]
