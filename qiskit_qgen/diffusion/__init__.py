"""Diffusion: noise schedules, other forward processes, and samplers."""

from qiskit_qgen.diffusion.noise_schedule import NoiseSchedule, min_snr_weights
from qiskit_qgen.diffusion.processes import (
    AbstractForwardProcess,
    DepolarizingProcess,
    StochasticWalkProcess,
    process_sample,
)
from qiskit_qgen.diffusion.sampling import ddim_sample, ddpm_sample, dpm_solver_sample, spaced_steps
from qiskit_qgen.diffusion.schedules import (
    betas_from_alpha_bars,
    cosine_beta_schedule,
    linear_beta_schedule,
    sigmoid_beta_schedule,
)
from qiskit_qgen.diffusion.tailored import data_spectrum, information_beta_schedule, log_snr_beta_schedule

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
