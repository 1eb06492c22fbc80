"""A report passes normal noise and says what is wrong with other noise."""

import json

import pytest
import torch
from scipy import stats

from qiskit_qgen._random import torch_generator
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.noise import GaussianNoise, noise_report
from qiskit_qgen.noise.base import AbstractNoise


class Changed(AbstractNoise):
    """Normal noise to which something is done."""

    def __init__(self, change, dim=4):
        super().__init__(dim)
        self.change = change

    def _sample(self, num_samples, generator):
        return self.change(torch.randn(num_samples, self.dim, generator=generator))


def test_normal_noise_passes():
    for seed in range(5):
        report = noise_report(GaussianNoise(4), 40000, seed=seed)
        assert report.passed, report.table()
        assert report.num_vectors == 10000
        assert report.checks[-1].p_value > 1e-4
    assert noise_report(GaussianNoise(200), 10).num_vectors == 1000


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        (lambda z: z + torch.tensor([0, 0, 0.08, 0]), "mean"),
        (lambda z: z * torch.tensor([1, 1.1, 1, 1]), "variance"),
        (lambda z: (z.square() - 1) / 2**0.5, "skewness"),
        (lambda z: z.sign() * z.abs() ** 1.3, "kurtosis"),
        (lambda z: (torch.rand(z.shape, generator=torch.Generator().manual_seed(0)) - 0.5) * 12**0.5, "distribution"),
        (lambda z: (z + 0.1 * z.roll(3, 0)) / 1.01**0.5, "autocorrelation"),
    ],
)
def test_what_is_wrong_is_named(change, failed):
    report = noise_report(Changed(change), 40000)
    assert failed in report.failed
    assert not report.passed
    assert f"failed: {report.failed[0]}" in report.table()


def test_correlation_between_components_is_told_and_does_not_fail():
    report = noise_report(Changed(lambda z: torch.stack([z[:, 0], 0.6 * z[:, 0] + 0.8 * z[:, 1]], 1), 2), 40000)
    assert report.passed
    assert report.checks[-1].worst == pytest.approx(0.6, abs=0.03)
    assert report.checks[-1].p_value == 0


def test_distances_are_those_of_scipy():
    report = noise_report(GaussianNoise(3), 6000, seed=4)
    rows = GaussianNoise(3).sample(2000, torch_generator(4)).double().numpy()
    expected = max(stats.kstest(column, "norm").statistic for column in rows.T)
    (found,) = [check for check in report.checks if check.name == "distribution"]
    assert found.worst == pytest.approx(expected, abs=1e-12)
    (skewness,) = [check for check in report.checks if check.name == "skewness"]
    assert abs(skewness.worst) == pytest.approx(abs(stats.skew(rows)).max())


def test_a_report_is_json_and_a_table():
    report = noise_report(GaussianNoise(2), 2000)
    content = json.loads(json.dumps(report.to_dict()))
    assert content["passed"] is True
    assert len(content["checks"]) == 7
    assert report.table().count("\n") == 10
    assert report.numbers_per_second > 0


def test_bad_arguments_are_named():
    with pytest.raises(ArgumentTypeError, match="`source`"):
        noise_report("gaussian")
    with pytest.raises(ArgumentError, match="`level`"):
        noise_report(GaussianNoise(2), level=1)
    with pytest.raises(ArgumentError, match="`num_numbers`"):
        noise_report(GaussianNoise(2), 0)
