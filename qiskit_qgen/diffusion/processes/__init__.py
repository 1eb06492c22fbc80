"""Other ways for images to turn into noise than by adding Gaussian noise."""

from qiskit_qgen.diffusion.processes.base import AbstractForwardProcess as AbstractForwardProcess
from qiskit_qgen.diffusion.processes.base import process_sample as process_sample
from qiskit_qgen.diffusion.processes.depolarizing import DepolarizingProcess as DepolarizingProcess
from qiskit_qgen.diffusion.processes.stochastic_walk import StochasticWalkProcess as StochasticWalkProcess

__all__ = ["AbstractForwardProcess", "DepolarizingProcess", "StochasticWalkProcess", "process_sample"]
