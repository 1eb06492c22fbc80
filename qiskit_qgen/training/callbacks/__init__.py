"""Callbacks: what happens between the steps of a training."""

from qiskit_qgen.training.callbacks.base import AbstractCallback as AbstractCallback
from qiskit_qgen.training.callbacks.checkpointing import Checkpoint as Checkpoint
from qiskit_qgen.training.callbacks.early_stopping import EarlyStopping as EarlyStopping
from qiskit_qgen.training.callbacks.latent_distance import LatentFrechetDistance as LatentFrechetDistance
from qiskit_qgen.training.callbacks.progress import ProgressBar as ProgressBar
from qiskit_qgen.training.callbacks.sample_grid import SampleGrid as SampleGrid
from qiskit_qgen.training.callbacks.scores import Scores as Scores
from qiskit_qgen.training.callbacks.tensorboard import TensorBoard as TensorBoard

__all__ = [
    "AbstractCallback",
    "Checkpoint",
    "EarlyStopping",
    "LatentFrechetDistance",
    "ProgressBar",
    "SampleGrid",
    "Scores",
    "TensorBoard",
]
