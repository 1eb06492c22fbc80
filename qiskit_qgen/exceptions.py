"""The errors that this package raises on purpose.

Each also derives from the built-in exception that a caller would expect, so ``except ValueError`` keeps working, and,
as the errors of what is replaced here, from ``QiskitMachineLearningError`` and ``QiskitError``.
"""

from qiskit_machine_learning.exceptions import QiskitMachineLearningError


class QGenError(QiskitMachineLearningError):
    """Base class of every error that this package raises on purpose."""

    def __str__(self) -> str:
        """Return the message, which Qiskit's own errors put into quotation marks."""
        return Exception.__str__(self)


class ArgumentError(QGenError, ValueError):
    """An argument has a value that its function cannot accept."""


class ArgumentTypeError(QGenError, TypeError):
    """An argument has a type that its function cannot accept."""


class UnsupportedCircuitError(QGenError, ValueError):
    """A circuit holds an instruction that the built-in simulator cannot run."""


class GradientError(QGenError, RuntimeError):
    """A gradient was asked for that cannot be given correctly."""


class DatasetError(QGenError, ValueError):
    """Data are missing, truncated, of the wrong shape or out of range."""


class CheckpointError(QGenError, RuntimeError):
    """A checkpoint or a saved model is missing, damaged or of another configuration."""


class TrainingDivergedError(QGenError, ArithmeticError):
    """A loss or a weight became NaN or infinite during training."""


class NotFittedError(QGenError, RuntimeError):
    """A model was used before it was trained or loaded."""


class ExecutionError(QGenError, RuntimeError):
    """A device, a service or a job on it failed, or its cost is above the limit that was set."""


class ParallelError(QGenError, RuntimeError):
    """Another process of a data-parallel training failed, or the processes were given different things."""
