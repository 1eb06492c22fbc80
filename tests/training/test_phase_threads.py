"""How many threads torch and circuits have in a step."""

import pytest
import torch
from torch import nn
from toy import LinePhase

from qiskit_qgen.simulator.cpu.threads import default_threads
from qiskit_qgen.training.trainer import Trainer


class Wide(nn.Linear):
    """A line's weights, beside a matrix that is large enough for several threads."""

    def __init__(self):
        super().__init__(2, 1)
        self.large = nn.Parameter(torch.zeros(300, 300))


class Convolving(nn.Linear):
    """A line's weights, beside a small convolution."""

    def __init__(self):
        super().__init__(2, 1)
        self.kernel = nn.Parameter(torch.zeros(1, 1, 3, 3))


@pytest.fixture(autouse=True)
def three_threads(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def seen_in_steps(**options):
    """Train for two steps; return the threads of torch and of circuits that each step saw."""
    seen = []
    options["poison"] = lambda *_: seen.append((torch.get_num_threads(), default_threads()))
    Trainer([LinePhase(num_steps=2, **options)], seed=0, config={}).run()
    return seen


def test_small_networks_take_one_thread_and_circuits_all():
    assert seen_in_steps() == [(1, 3), (1, 3)]
    assert (torch.get_num_threads(), default_threads()) == (3, 3)


@pytest.mark.parametrize("module", [Wide, Convolving])
def test_large_networks_and_convolutions_take_all(module):
    assert seen_in_steps(module=module()) == [(3, 3), (3, 3)]


def test_a_number_in_the_environment_is_honoured(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert seen_in_steps() == [(3, 3), (3, 3)]


def test_the_number_is_restored_after_an_error():
    def fail(*_):
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        Trainer([LinePhase(poison=fail)], seed=0, config={}).run()
    assert (torch.get_num_threads(), default_threads()) == (3, 3)
