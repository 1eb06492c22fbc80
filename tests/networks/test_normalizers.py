import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PowerTransformer

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.networks import LatentNormalizer, PowerNormalizer, QuantileNormalizer, RangeNormalizer


def correlated(num=500, features=4, seed=0):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(num, features)) @ rng.normal(size=(features, features)) + 3).float()


@pytest.mark.parametrize("transform", ["pca", "zca"])
def test_decorrelating_transforms_whiten(transform):
    data = correlated()
    normalizer = LatentNormalizer(4, transform)
    normalizer.fit(data)
    result = normalizer(data)
    assert torch.allclose(result.mean(0), torch.zeros(4), atol=1e-5)
    assert torch.allclose(torch.cov(result.T), torch.eye(4), atol=1e-4)


def test_pca_agrees_with_scikit_learn_up_to_signs():
    data = correlated()
    normalizer = LatentNormalizer(4, "pca")
    normalizer.fit(data)
    expected = PCA(whiten=True).fit_transform(data.double().numpy())
    assert np.allclose(np.abs(normalizer(data).numpy()), np.abs(expected), atol=1e-4)


def test_zca_is_the_symmetric_square_root():
    data = correlated()
    normalizer = LatentNormalizer(4, "zca")
    normalizer.fit(data)
    matrix = normalizer.matrix.double().numpy()
    assert np.allclose(matrix, matrix.T, atol=1e-6)
    assert np.allclose(matrix @ matrix, np.cov(data.double().numpy().T), rtol=1e-5, atol=1e-5)


def test_standard_scales_each_component_by_itself():
    data = correlated()
    normalizer = LatentNormalizer(4, "standard")
    normalizer.fit(data)
    assert np.allclose(normalizer(data).numpy(), stats.zscore(data.double().numpy(), ddof=1), atol=1e-5)


def test_none_changes_nothing():
    data = correlated()
    normalizer = LatentNormalizer(4, "none")
    normalizer.fit(data)
    assert torch.equal(normalizer(data), data)


@pytest.mark.parametrize(
    "make", [lambda n, t=t: LatentNormalizer(n, t) for t in ("pca", "zca", "standard", "none")] + [RangeNormalizer]
)
def test_inverse_undoes_the_map_also_for_constant_features_and_one_row(make):
    for data in (correlated(), torch.cat([correlated(), torch.full((500, 1), 2.0)], 1), correlated(1)):
        normalizer = make(data.shape[1])
        normalizer.fit(data)
        assert torch.allclose(normalizer.inverse(normalizer(data)), data, atol=1e-4)
        other = torch.randn(50, data.shape[1])
        if make is RangeNormalizer:  # whatever is generated for a constant column becomes its constant
            other[:, data.amin(0) == data.amax(0)] = 0
        assert torch.allclose(normalizer(normalizer.inverse(other)), other, atol=1e-4)


def test_range_reaches_both_ends_and_centres_constants():
    data = torch.tensor([[0.0, 5.0], [10.0, 5.0], [2.5, 5.0]])
    normalizer = RangeNormalizer(2)
    normalizer.fit(data)
    assert torch.allclose(normalizer(data), torch.tensor([[-1.0, 0.0], [1.0, 0.0], [-0.5, 0.0]]))


HARD_COLUMNS = {
    "neighbours": [1e6, np.nextafter(np.float32(1e6), np.float32(2e6))],
    "few_steps": [16777216.0, 16777218.0, 16777220.0],
    "smallest": [0.0, 1e-45, 4e-45],
    "tiny": [1e-30, 3e-30, 2e-30],
    "largest": [-3.4e38, 3.4e38, 1.0],
    "one_sided": [3.3e38, 3.4e38, 3.35e38],
    "constant": [-7.25, -7.25],
    "large_constant": [3.4e38, 3.4e38],
}


@pytest.mark.parametrize("make", [RangeNormalizer, QuantileNormalizer, PowerNormalizer])
@pytest.mark.parametrize("values", HARD_COLUMNS.values(), ids=HARD_COLUMNS)
def test_columns_at_the_edges_of_float32_are_mapped_as_in_exact_arithmetic(make, values):
    data = torch.tensor(values, dtype=torch.float32)[:, None]
    normalizer = make(1)
    normalizer.fit(data)
    mapped = normalizer(data)
    assert mapped.dtype == torch.float32
    low, high = (float(bound) for bound in torch.aminmax(data.double()))
    assert ((normalizer.inverse(mapped).double() - data).abs() <= 1e-6 * (high - low)).all()
    generated = normalizer.inverse(torch.linspace(-1, 1, 101)[:, None])
    assert generated.min() >= low
    assert generated.max() <= high
    assert {low, high} <= set(generated.flatten().tolist())
    if make is RangeNormalizer:
        exact = [0.0 if high == low else 2 * (value - low) / (high - low) - 1 for value in data[:, 0].tolist()]
        assert np.allclose(mapped[:, 0].numpy(), exact, atol=1e-6)
        # A generator without bounds never makes an infinite number of a finite one.
        assert torch.isfinite(normalizer.inverse(torch.tensor([[-5.0], [5.0]]))).all()


def test_ranges_agree_with_scikit_learn():
    data = np.float32([[1e6, 1, -3e38, 5], [1e6 + 0.25, 1 + 1e-6, 3e38, 5], [1e6 + 0.125, 1, 0, 5]])
    normalizer = RangeNormalizer(4)
    normalizer.fit(torch.from_numpy(data))
    expected = MinMaxScaler((-1, 1)).fit_transform(data.astype(np.float64))
    expected[:, 3] = 0  # scikit-learn takes constants for the lower end
    assert np.allclose(normalizer(torch.from_numpy(data)).numpy(), expected, atol=1e-6)


def collisions(num=2000, seed=0):
    """Columns like those of arXiv 2110.06933's events: large with a long tail, the same below zero, symmetric."""
    rng = np.random.default_rng(seed)
    return np.stack([1.2e5 + rng.gamma(1, 1e5, num), -3e4 - rng.gamma(1, 1e5, num), rng.normal(0, 1.1, num)], 1)


def test_powers_agree_with_scikit_learn_both_ways():
    data = collisions()
    pipeline = make_pipeline(PowerTransformer(), MinMaxScaler((-1, 1))).fit(data)
    normalizer = PowerNormalizer(3)
    normalizer.fit(torch.from_numpy(data))
    assert np.allclose(normalizer.exponent.numpy(), pipeline[0].lambdas_)
    fresh = collisions(seed=1)
    assert np.allclose(normalizer(torch.from_numpy(fresh)).numpy(), pipeline.transform(fresh), atol=1e-9)
    generated = np.random.default_rng(2).uniform(-1, 1, (500, 3))
    back = normalizer.inverse(torch.from_numpy(generated)).numpy()
    assert np.allclose(back, pipeline.inverse_transform(generated), rtol=1e-7)
    assert np.allclose(normalizer(torch.from_numpy(back)).numpy(), generated, atol=1e-9)


@pytest.mark.parametrize("exponent", [-0.7, 0.0, 0.5, 1.0, 2.0, 2.6])
def test_powers_are_scipys_and_have_a_slope_everywhere(exponent):
    normalizer = PowerNormalizer(1)
    normalizer.exponent.fill_(exponent)
    x = torch.linspace(-3, 3, 61, dtype=torch.float64)[:, None].requires_grad_()
    assert np.allclose(normalizer(x).detach().numpy()[:, 0], stats.yeojohnson(x.detach().numpy()[:, 0], exponent))
    assert torch.autograd.gradcheck(normalizer.inverse, (normalizer(x).detach().requires_grad_(),))
    far = normalizer.inverse(torch.tensor([[-1e3], [1e3]], dtype=torch.float64))  # beyond what a power reaches
    assert torch.isfinite(far).all()


def test_quantiles_make_any_distribution_uniform_and_come_back():
    rng = np.random.default_rng(0)
    data = torch.from_numpy(np.stack([rng.lognormal(size=5000), rng.standard_cauchy(size=5000)], 1)).float()
    normalizer = QuantileNormalizer(2)
    normalizer.fit(data)
    result = normalizer(data)
    for column in result.T:
        assert stats.kstest(column.numpy(), stats.uniform(-1, 2).cdf).statistic < 0.01
    assert torch.allclose(normalizer.inverse(result), data, rtol=1e-3, atol=1e-3)
    fresh = normalizer.inverse(torch.rand(5000, 2) * 2 - 1)
    assert stats.ks_2samp(fresh[:, 0].numpy(), data[:, 0].numpy()).pvalue > 1e-3
    assert torch.equal(normalizer.inverse(torch.full((1, 2), 7.0))[0], data.max(0).values)


def test_knots_are_numpys_quantiles():
    data = np.random.default_rng(1).normal(size=(7, 2))
    normalizer = QuantileNormalizer(2)
    normalizer.fit(torch.from_numpy(data))
    expected = np.quantile(data, np.linspace(0, 1, normalizer.knots.shape[1]), axis=0).T
    assert np.allclose(normalizer.knots.numpy(), expected, atol=1e-5)


def test_quantiles_keep_values_that_repeat():
    data = torch.tensor([0.0] * 50 + [1.0] * 30 + [2.0] * 20)[:, None]
    normalizer = QuantileNormalizer(1)
    normalizer.fit(data)
    assert torch.allclose(normalizer.inverse(normalizer(data)), data, atol=1e-2)
    assert torch.isfinite(normalizer(data)).all()


def test_fits_are_saved_as_buffers():
    data = correlated()
    first, second = LatentNormalizer(4), LatentNormalizer(4)
    first.fit(data)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(data), second(data))
    assert not list(first.parameters())


def test_bad_data_and_names_are_refused():
    with pytest.raises(
        ArgumentError, match=r"`data` must have shape \(N, 4\) with N of at least 1, but has shape \(5, 3\)"
    ):
        LatentNormalizer(4).fit(torch.zeros(5, 3))
    with pytest.raises(
        ArgumentError, match="`transform` must be one of 'pca', 'zca', 'standard', 'none', but is 'ica'"
    ):
        LatentNormalizer(4, "ica")
