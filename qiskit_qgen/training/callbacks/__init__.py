"""Callbacks, which run between the steps of a training."""

from qiskit_qgen.training.callbacks.base import AbstractCallback
from qiskit_qgen.training.callbacks.checkpointing import Checkpoint
from qiskit_qgen.training.callbacks.csv_log import CSVLogger
from qiskit_qgen.training.callbacks.early_stopping import EarlyStopping
from qiskit_qgen.training.callbacks.logger import AbstractLogger
from qiskit_qgen.training.callbacks.progress import ProgressBar, ProgressLog
from qiskit_qgen.training.callbacks.sample_discrepancy import SampleDiscrepancy
from qiskit_qgen.training.callbacks.sample_grid import SampleGrid
from qiskit_qgen.training.callbacks.scores import Scores
from qiskit_qgen.training.callbacks.tensorboard import TensorBoard
from qiskit_qgen.training.callbacks.wandb import WeightsAndBiases

__all__ = [
    "AbstractCallback",
    "AbstractLogger",
    "CSVLogger",
    "Checkpoint",
    "EarlyStopping",
    "ProgressBar",
    "ProgressLog",
    "SampleDiscrepancy",
    "SampleGrid",
    "Scores",
    "TensorBoard",
    "WeightsAndBiases",
]
