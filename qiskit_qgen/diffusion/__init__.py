"""Diffusion: schedules of noise, other forward processes, and ways from noise to images."""

from qiskit_qgen.diffusion.noise_schedule import NoiseSchedule as NoiseSchedule
from qiskit_qgen.diffusion.noise_schedule import min_snr_weights as min_snr_weights
from qiskit_qgen.diffusion.processes import AbstractForwardProcess as AbstractForwardProcess
from qiskit_qgen.diffusion.processes import DepolarizingProcess as DepolarizingProcess
from qiskit_qgen.diffusion.processes import StochasticWalkProcess as StochasticWalkProcess
from qiskit_qgen.diffusion.processes import process_sample as process_sample
from qiskit_qgen.diffusion.sampling import ddim_sample as ddim_sample
from qiskit_qgen.diffusion.sampling import ddpm_sample as ddpm_sample
from qiskit_qgen.diffusion.sampling import dpm_solver_sample as dpm_solver_sample
from qiskit_qgen.diffusion.sampling import spaced_steps as spaced_steps
from qiskit_qgen.diffusion.schedules import betas_from_alpha_bars as betas_from_alpha_bars
from qiskit_qgen.diffusion.schedules import cosine_beta_schedule as cosine_beta_schedule
from qiskit_qgen.diffusion.schedules import linear_beta_schedule as linear_beta_schedule
from qiskit_qgen.diffusion.schedules import sigmoid_beta_schedule as sigmoid_beta_schedule
from qiskit_qgen.diffusion.tailored import data_spectrum as data_spectrum
from qiskit_qgen.diffusion.tailored import information_beta_schedule as information_beta_schedule
from qiskit_qgen.diffusion.tailored import log_snr_beta_schedule as log_snr_beta_schedule

__all__ = [
    "AbstractForwardProcess",
    "DepolarizingProcess",
    "NoiseSchedule",
    "StochasticWalkProcess",
    "betas_from_alpha_bars",
    "cosine_beta_schedule",
    "data_spectrum",
    "ddim_sample",
    "ddpm_sample",
    "dpm_solver_sample",
    "information_beta_schedule",
    "linear_beta_schedule",
    "log_snr_beta_schedule",
    "min_snr_weights",
    "process_sample",
    "sigmoid_beta_schedule",
    "spaced_steps",
]
