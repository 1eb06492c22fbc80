import pytest
import torch

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.simulator.options import check_simulation_options


@pytest.mark.parametrize("threads", [None, 1, 64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_what_the_simulator_can_run_with_passes(dtype, threads):
    assert check_simulation_options("cpu", dtype, threads) == "cpu"
    assert check_simulation_options(torch.device("cpu"), dtype, threads) == "cpu"


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        (("tpu", torch.float32, None), "Argument `device` must be .*, but is 'tpu'"),
        (("cpu", torch.float16, None), "Argument `dtype` must be torch.float32 or torch.float64, but is torch.float16"),
        (("cpu", torch.float32, 0), "Argument `threads` must be a positive integer, but is 0"),
    ],
)
def test_anything_else_is_refused(options, rule):
    with pytest.raises(ArgumentError, match=rule):
        check_simulation_options(*options)
