"""Figures: images, reconstructions, tables, the course of a training, circuits.

Every function returns a matplotlib ``Figure`` of its own, shows nothing and touches no state of pyplot:
``plot_images(images).savefig("images.png")``. A notebook shows the figure that is a
cell's last value, once `%matplotlib inline` is on.
"""

from qiskit_qgen.plotting.animation import animate_training, save_animation
from qiskit_qgen.plotting.arms import plot_arms
from qiskit_qgen.plotting.autoencoders import plot_autoencoder_sweep
from qiskit_qgen.plotting.capacity import plot_capacity_curves, plot_capacity_scaling, plot_capacity_scores
from qiskit_qgen.plotting.circuit import plot_circuit
from qiskit_qgen.plotting.comparison import plot_comparison
from qiskit_qgen.plotting.history import plot_history
from qiskit_qgen.plotting.images import plot_classes, plot_images, plot_nearest, plot_reconstructions
from qiskit_qgen.plotting.latent_space import plot_traversals
from qiskit_qgen.plotting.tables import plot_marginals, plot_pairs

__all__ = [
    "animate_training",
    "plot_arms",
    "plot_autoencoder_sweep",
    "plot_capacity_curves",
    "plot_capacity_scaling",
    "plot_capacity_scores",
    "plot_circuit",
    "plot_classes",
    "plot_comparison",
    "plot_history",
    "plot_images",
    "plot_marginals",
    "plot_nearest",
    "plot_pairs",
    "plot_reconstructions",
    "plot_traversals",
    "save_animation",
]
