import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle
from PIL import Image
from qiskit import QuantumCircuit

from qiskit_qgen.circuits import style_ansatz
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.plotting import plot_circuit


def boxes(figure):
    """Number of drawn gates that are boxes: all but the entanglers' dots and circles, lines and the background."""
    return sum(
        isinstance(patch, Rectangle) and 0.5 < patch.get_width() < 3 and patch.get_height() > 0.5
        for patch in figure.axes[0].patches
    )


def test_every_gate_is_drawn(tmp_path):
    figure = plot_circuit(style_ansatz(3, 2))
    assert len(figure.axes) == 1
    assert boxes(figure) == 18
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert sorted(text for text in texts if "angle" in text) == sorted(f"angle[{index}]" for index in range(18))
    figure.savefig(tmp_path / "circuit.png")
    with Image.open(tmp_path / "circuit.png") as image:
        assert image.size == tuple(np.floor(figure.get_size_inches() * figure.dpi))
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    assert len(np.unique(pixels, axis=0)) > 10
    # Qiskit's own colour of RY, which a blank or cut-off drawing lacks.
    assert (pixels == (159, 24, 83)).all(axis=1).mean() > 0.01


def test_a_plain_circuit_is_drawn_as_well():
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.rx(0.25, 1)
    assert boxes(plot_circuit(circuit)) == 2


def test_a_long_circuit_is_broken_into_rows():
    long = style_ansatz(4, 8)
    width, height = plot_circuit(long).get_size_inches()
    assert width / height < 3
    flat_width, flat_height = plot_circuit(long, rows=1).get_size_inches()
    assert flat_width / flat_height > 8
    assert plot_circuit(long, rows=4).get_size_inches()[1] > 3 * flat_height


def test_a_global_phase_is_written_on_the_same_figure_and_the_circuit_left_alone():
    circuit = QuantumCircuit(1, global_phase=0.5)
    circuit.h(0)
    figure = plot_circuit(circuit)
    assert [text.get_text() for text in figure.texts] == ["global phase 0.5"]
    assert circuit.global_phase == 0.5
    assert plt.get_fignums() == []


def test_bad_arguments_are_refused():
    with pytest.raises(ArgumentTypeError, match=r"Argument `circuit` must be a circuit, but is of type str\."):
        plot_circuit("h q[0];")
    with pytest.raises(ArgumentError, match=r"Argument `rows` must be a positive integer, but is 0\."):
        plot_circuit(QuantumCircuit(1), rows=0)
