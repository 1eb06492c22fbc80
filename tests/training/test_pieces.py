"""Schedules, batches, averages, images, phases and interrupts."""

import math
import os
import signal
import threading

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.training import (
    BatchOrder,
    ExponentialMovingAverage,
    image_grid,
    learning_rate_factor,
    save_image_grid,
)
from qiskit_qgen.training.interrupts import InterruptGuard


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
def test_schedules_start_at_one_and_agree_with_their_formula(schedule):
    formula = {"constant": lambda _: 1.0, "linear": lambda t: 1 - t, "cosine": lambda t: math.cos(math.pi * t / 2) ** 2}
    for step in range(11):
        assert learning_rate_factor(schedule, step, 10) == pytest.approx(formula[schedule](step / 10))
    assert learning_rate_factor(schedule, 9, 10) > 0


def test_warmup_rises_in_proportion():
    factors = [learning_rate_factor("constant", step, 100, warmup=0.1) for step in range(12)]
    assert factors == pytest.approx([0.1 * k for k in range(1, 11)] + [1.0, 1.0])


def test_bad_schedules_are_refused():
    with pytest.raises(ArgumentError, match="`schedule` must be one of 'constant', 'linear', 'cosine', but is 'step'"):
        learning_rate_factor("step", 0, 1)
    with pytest.raises(ArgumentError, match="`warmup`"):
        learning_rate_factor("linear", 0, 1, warmup=1.0)


@pytest.mark.parametrize(("num_samples", "batch_size"), [(10, 3), (10, 10), (3, 10), (1, 4), (7, 1)])
def test_each_sample_is_used_once_in_each_epoch(num_samples, batch_size):
    order = BatchOrder(num_samples, batch_size, seed=0)
    batches = [order.batch(index) for index in range(3 * num_samples)]
    assert all(len(batch) == batch_size for batch in batches)
    used = torch.cat(batches)[: 3 * num_samples].reshape(3, num_samples)
    assert (used.sort(dim=1).values == torch.arange(num_samples)).all()


def test_batches_depend_on_seed_stream_and_number_alone():
    order, other = BatchOrder(50, 8, seed=3, stream=(1,)), BatchOrder(50, 8, seed=3, stream=(1,))
    later = other.batch(20)
    assert torch.equal(torch.stack([order.batch(i) for i in range(21)])[-1], later)
    assert not torch.equal(later, BatchOrder(50, 8, seed=4, stream=(1,)).batch(20))
    assert not torch.equal(later, BatchOrder(50, 8, seed=3, stream=(2,)).batch(20))
    assert not torch.equal(order.batch(0), BatchOrder(50, 8, seed=3, stream=(1,)).batch(50))


def test_average_follows_its_recursion_and_gives_the_weights_back():
    module = nn.Linear(1, 1, bias=False)
    average, expected = ExponentialMovingAverage(module, 0.5), module.weight.item()
    for step, value in enumerate([1.0, -2.0, 5.0, 3.0, 4.0, 1.0, 0.0, 8.0, 9.0, 2.0]):
        with torch.no_grad():
            module.weight.fill_(value)
        average.update(step)
        decay = min(0.5, (1 + step) / (20 + step))
        expected = decay * expected + (1 - decay) * value
    with average.applied() as averaged:
        assert averaged.weight.item() == pytest.approx(expected)
    assert module.weight.item() == 2.0
    with pytest.raises(RuntimeError, match="broken"), average.applied():
        raise RuntimeError("broken")
    assert module.weight.item() == 2.0
    average.copy_to_module()
    assert module.weight.item() == pytest.approx(expected)
    with pytest.raises(ArgumentError, match=r"`decay` must be a number in \[0, 1\), but is 1"):
        ExponentialMovingAverage(module, 1)


def test_grid_places_every_image(tmp_path):
    images = torch.arange(5).float()[:, None, None, None].expand(5, 1, 2, 3) / 10
    grid = image_grid(images, columns=3)
    assert grid.shape == (5, 11)
    assert grid.dtype == np.uint8
    for index in range(5):
        top, left = 3 * (index // 3), 4 * (index % 3)
        assert (grid[top : top + 2, left : left + 3] == round(25.5 * index)).all()
    assert (grid[2] == 255).all()
    assert (grid[3:, 8:] == 255).all()
    save_image_grid(images, tmp_path / "a.png", columns=3, scale=4)
    with Image.open(tmp_path / "a.png") as sample_image:
        loaded = np.asarray(sample_image)
    assert loaded.shape == (20, 44)
    assert (loaded[::4, ::4] == grid).all()


@pytest.mark.parametrize(
    ("number", "rows", "columns"), [(1, 1, 1), (7, 1, 7), (10, 2, 5), (13, 1, 13), (64, 8, 8), (101, 6, 17)]
)
def test_grid_has_as_few_empty_cells_as_it_can(number, rows, columns):
    assert image_grid(torch.zeros(number, 1, 3, 2), padding=0).shape == (3 * rows, 2 * columns)


@pytest.mark.parametrize(("channels", "shape"), [(1, (8, 8)), (2, (8, 8)), (3, (8, 8, 3)), (4, (8, 8, 3))])
def test_grid_of_any_channel_count_is_grey_or_colour(channels, shape):
    assert image_grid(torch.rand(1, channels, 8, 8)).shape == shape


def test_grid_clips_and_refuses_what_is_no_image():
    assert image_grid(torch.tensor([-1.0, 2.0]).reshape(1, 1, 1, 2)).tolist() == [[0, 255]]
    for images in (torch.zeros(0, 1, 2, 2), torch.zeros(1, 2, 2)):
        with pytest.raises(ArgumentError, match=r"`images` must have shape \(N, C, H, W\)"):
            image_grid(images)


def test_the_first_interrupt_is_noted_and_the_second_raised():
    former = signal.getsignal(signal.SIGINT)
    with InterruptGuard() as guard:
        os.kill(os.getpid(), signal.SIGINT)
        assert guard.requested
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is former


def test_interrupts_leave_other_threads_and_ignored_signals_alone():
    seen = []

    def work():
        with InterruptGuard() as guard:
            seen.append((guard.requested, signal.getsignal(signal.SIGINT)))

    former = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, former)]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with InterruptGuard() as guard:
            os.kill(os.getpid(), signal.SIGINT)
            assert not guard.requested
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, former)
