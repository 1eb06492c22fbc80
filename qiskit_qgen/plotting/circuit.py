"""Drawings of circuits."""

from __future__ import annotations

import math
from typing import cast

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from qiskit import QuantumCircuit

from qiskit_qgen._checks import check_int, check_type
from qiskit_qgen.circuits import ParametrizedCircuit

_INCHES = 0.55  # from wire to wire
_WIDEST = 30  # a drawing that is not wider, in distances between wires, stays in one row
_ASPECT = 1.6  # any other is broken into rows until it is at most about this much wider than high
_UNFOLDED = -1


def plot_circuit(circuit: QuantumCircuit | ParametrizedCircuit, *, rows: int | None = None) -> Figure:
    """Draw a circuit with Qiskit's drawer.

    Args:
        circuit: The circuit, such as ``model.circuit``.
        rows: Number of rows that a long circuit is broken into; None takes as many as bring the drawing near to the
            form of a page.

    Returns:
        The figure, with one axes that fills it.

    Raises:
        ArgumentError: If ``rows`` is not a positive integer.
        ArgumentTypeError: If ``circuit`` is not a circuit.
    """
    check_type("circuit", circuit, (QuantumCircuit, ParametrizedCircuit), "a circuit")
    if rows is not None:
        check_int("rows", rows, minimum=1)
    drawn = circuit.circuit if isinstance(circuit, ParametrizedCircuit) else circuit
    # Qiskit's drawer puts a global phase on pyplot's current figure, whatever figure it draws on.
    phase, drawn = drawn.global_phase, drawn.copy()
    drawn.global_phase = 0
    width, height = _extent(_draw(drawn, fold=_UNFOLDED, width=1))
    if rows is None:
        rows = 1 if width <= _WIDEST else max(1, math.ceil(math.sqrt(width / (_ASPECT * height))))
    columns = math.ceil(width / rows)
    axes = _draw(drawn, fold=_UNFOLDED if rows == 1 else columns, width=columns)
    figure = cast("Figure", axes.get_figure(root=True))
    width, height = _extent(axes)
    figure.set_size_inches(_INCHES * width, _INCHES * height)
    if phase != 0:
        figure.text(0.01, 0.99, f"global phase {phase}", verticalalignment="top")
    return figure


def _draw(circuit: QuantumCircuit, *, fold: int, width: float) -> Axes:
    """Return axes with the drawing, whose letters fit a figure of ``width`` times the distance between wires."""
    axes = Figure(figsize=(width * _INCHES, _INCHES)).add_axes((0, 0, 1, 1))
    circuit.draw("mpl", ax=axes, fold=fold)
    return axes


def _extent(axes: Axes) -> tuple[float, float]:
    """Return width and height of a drawing in units of the distance between wires."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    return right - left, top - bottom
