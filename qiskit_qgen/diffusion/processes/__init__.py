"""Forward processes other than adding Gaussian noise."""

from qiskit_qgen.diffusion.processes.base import AbstractForwardProcess, process_sample
from qiskit_qgen.diffusion.processes.depolarizing import DepolarizingProcess
from qiskit_qgen.diffusion.processes.stochastic_walk import StochasticWalkProcess

__all__ = ["AbstractForwardProcess", "DepolarizingProcess", "StochasticWalkProcess", "process_sample"]
