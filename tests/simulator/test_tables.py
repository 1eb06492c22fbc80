import copy

import numpy as np
import torch

from qiskit_qgen.simulator.tables import Table


def test_numbers_are_made_once_for_each_device_and_dtype():
    table = Table(np.array([1.0, -2.5]))
    single = table.on(torch.device("cpu"), torch.float32)
    assert single.tolist() == [1.0, -2.5]
    assert single.dtype == torch.float32
    assert table.on(torch.device("cpu"), torch.float32) is single
    assert table.on(torch.device("cpu"), torch.int64).tolist() == [1, -2]
    assert table.on(torch.device("meta"), torch.float64).device.type == "meta"
    assert copy.deepcopy(table).on(torch.device("cpu"), torch.float64).tolist() == [1.0, -2.5]


def test_numbers_made_in_inference_mode_serve_autograd():
    table = Table(np.array([2.0, 3.0]))
    with torch.inference_mode():
        table.on(torch.device("cpu"), torch.float32)
    x = torch.ones(2, requires_grad=True)
    (x * table.on(torch.device("cpu"), torch.float32)).sum().backward()
    assert x.grad.tolist() == [2.0, 3.0]
