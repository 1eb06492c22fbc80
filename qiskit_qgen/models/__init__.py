"""Generative models: what users train, sample, evaluate, save and load."""

from qiskit_qgen.models.base import AbstractGenerativeModel as AbstractGenerativeModel
from qiskit_qgen.models.style_qgan import StyleQGAN as StyleQGAN

__all__ = ["AbstractGenerativeModel", "StyleQGAN"]
