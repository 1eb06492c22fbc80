"""Lanes are exchanged by an instruction of the processor, and by others where it lacks that: compared with numpy."""

import numba
import numpy as np
import pytest

from qiskit_qgen.simulator.cpu import lanes
from qiskit_qgen.simulator.cpu.layouts import Layout


def exchanging(emitter, monkeypatch):
    """Return a compiled function that exchanges the lanes of a row, target = source, with this emitter."""
    monkeypatch.setattr(lanes, "Emitter", emitter)

    @lanes.instruction
    def exchange(e, target, source, order):
        e.store(e.exchange(e.load(source), e.load_lanes(order)), target)

    @numba.njit
    def run(target, source, order):
        exchange(target.dtype.type(1), target.ctypes.data, source.ctypes.data, order.ctypes.data)

    return run


def portable(builder, scalar, **_):
    return lanes_emitter(builder, scalar)


lanes_emitter = lanes.Emitter


@pytest.mark.parametrize("emitter", [lanes_emitter, portable])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("num_samples", [1, 2, 4])
def test_lanes_of_each_sample_are_exchanged(emitter, dtype, num_samples, monkeypatch):
    layout = Layout.choose(num_samples, 20, np.dtype(dtype))
    assert layout.exchanges.shape == (layout.parts, layout.lanes)
    source, target = layout.empty(layout.lanes), layout.empty(layout.lanes)
    source[:] = np.random.default_rng(0).normal(size=layout.lanes)
    run = exchanging(emitter, monkeypatch)
    for number in range(layout.parts):
        run(target, source, layout.exchanges[number])
        by_part = source.reshape(layout.parts, layout.samples)
        expected = by_part[[part ^ number for part in range(layout.parts)]]
        np.testing.assert_array_equal(target, expected.reshape(-1))
