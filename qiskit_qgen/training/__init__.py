"""Training: phases, the loop that runs them, callbacks, checkpoints and the history."""

from qiskit_qgen.training.augmentation import augment
from qiskit_qgen.training.averaging import ExponentialMovingAverage
from qiskit_qgen.training.batches import BatchOrder
from qiskit_qgen.training.callbacks import (
    AbstractCallback,
    AbstractLogger,
    Checkpoint,
    CSVLogger,
    EarlyStopping,
    ProgressBar,
    ProgressLog,
    SampleDiscrepancy,
    SampleGrid,
    Scores,
    TensorBoard,
    WeightsAndBiases,
)
from qiskit_qgen.training.history import History
from qiskit_qgen.training.image_grid import image_grid, save_image_grid
from qiskit_qgen.training.phases.adversarial import AdversarialPhase, AdversarialTraining
from qiskit_qgen.training.phases.base import AbstractPhase
from qiskit_qgen.training.phases.decoding import DecoderPhase, DecoderTraining
from qiskit_qgen.training.phases.denoising import DenoisingPhase, DenoisingTraining
from qiskit_qgen.training.phases.reconstruction import AutoencoderTraining, ReconstructionPhase
from qiskit_qgen.training.phases.wasserstein import WassersteinPhase, WassersteinTraining
from qiskit_qgen.training.schedules import learning_rate_factor
from qiskit_qgen.training.state import TrainingState
from qiskit_qgen.training.trainer import Trainer

__all__ = [
    "AbstractCallback",
    "AbstractLogger",
    "AbstractPhase",
    "AdversarialPhase",
    "AdversarialTraining",
    "AutoencoderTraining",
    "BatchOrder",
    "CSVLogger",
    "Checkpoint",
    "DecoderPhase",
    "DecoderTraining",
    "DenoisingPhase",
    "DenoisingTraining",
    "EarlyStopping",
    "ExponentialMovingAverage",
    "History",
    "ProgressBar",
    "ProgressLog",
    "ReconstructionPhase",
    "SampleDiscrepancy",
    "SampleGrid",
    "Scores",
    "TensorBoard",
    "Trainer",
    "TrainingState",
    "WassersteinPhase",
    "WassersteinTraining",
    "WeightsAndBiases",
    "augment",
    "image_grid",
    "learning_rate_factor",
    "save_image_grid",
]
