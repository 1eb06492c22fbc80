"""Training: phases, the loop that runs them, callbacks, checkpoints and the history."""

from qiskit_qgen.training.augmentation import augment as augment
from qiskit_qgen.training.averaging import ExponentialMovingAverage as ExponentialMovingAverage
from qiskit_qgen.training.batches import BatchOrder as BatchOrder
from qiskit_qgen.training.callbacks import AbstractCallback as AbstractCallback
from qiskit_qgen.training.callbacks import Checkpoint as Checkpoint
from qiskit_qgen.training.callbacks import EarlyStopping as EarlyStopping
from qiskit_qgen.training.callbacks import LatentFrechetDistance as LatentFrechetDistance
from qiskit_qgen.training.callbacks import ProgressBar as ProgressBar
from qiskit_qgen.training.callbacks import SampleGrid as SampleGrid
from qiskit_qgen.training.callbacks import Scores as Scores
from qiskit_qgen.training.callbacks import TensorBoard as TensorBoard
from qiskit_qgen.training.history import History as History
from qiskit_qgen.training.image_grid import image_grid as image_grid
from qiskit_qgen.training.image_grid import save_image_grid as save_image_grid
from qiskit_qgen.training.phases.adversarial import AdversarialPhase as AdversarialPhase
from qiskit_qgen.training.phases.adversarial import AdversarialTraining as AdversarialTraining
from qiskit_qgen.training.phases.base import AbstractPhase as AbstractPhase
from qiskit_qgen.training.phases.denoising import DenoisingPhase as DenoisingPhase
from qiskit_qgen.training.phases.denoising import DenoisingTraining as DenoisingTraining
from qiskit_qgen.training.phases.reconstruction import AutoencoderTraining as AutoencoderTraining
from qiskit_qgen.training.phases.reconstruction import ReconstructionPhase as ReconstructionPhase
from qiskit_qgen.training.phases.wasserstein import WassersteinPhase as WassersteinPhase
from qiskit_qgen.training.phases.wasserstein import WassersteinTraining as WassersteinTraining
from qiskit_qgen.training.schedules import learning_rate_factor as learning_rate_factor
from qiskit_qgen.training.state import TrainingState as TrainingState
from qiskit_qgen.training.trainer import Trainer as Trainer

__all__ = [
    "AbstractCallback",
    "AbstractPhase",
    "AdversarialPhase",
    "AdversarialTraining",
    "AutoencoderTraining",
    "BatchOrder",
    "Checkpoint",
    "DenoisingPhase",
    "DenoisingTraining",
    "EarlyStopping",
    "ExponentialMovingAverage",
    "History",
    "LatentFrechetDistance",
    "ProgressBar",
    "ReconstructionPhase",
    "SampleGrid",
    "Scores",
    "TensorBoard",
    "Trainer",
    "TrainingState",
    "WassersteinPhase",
    "WassersteinTraining",
    "augment",
    "image_grid",
    "learning_rate_factor",
    "save_image_grid",
]
