"""The cache of features: keys, damage, folders."""

import pytest
import torch
from torch import nn

from qiskit_qgen.exceptions import ArgumentError, CheckpointError
from qiskit_qgen.metrics import FeatureCache, IdentityFeatureExtractor, ModuleFeatureExtractor


class _Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.arange(6.0).reshape(3, 2))
        self.samples = 0

    def forward(self, x):
        self.samples += x.shape[0]
        return x @ self.weight


@pytest.fixture
def counting():
    return ModuleFeatureExtractor(_Counting(), 2, name="counting")


@pytest.fixture
def samples():
    return torch.linspace(0, 1, 15).reshape(5, 3)


def test_features_are_computed_once(tmp_path, counting, samples):
    first = FeatureCache(tmp_path / "new" / "folder").features(samples, counting)
    assert torch.equal(first, counting(samples))
    counting.module.samples = 0
    again = FeatureCache(tmp_path / "new" / "folder").features(samples.clone(), counting)
    assert torch.equal(again, first)
    assert counting.module.samples == 0


def test_changed_samples_weights_or_names_are_computed_anew(tmp_path, counting, samples):
    cache = FeatureCache(tmp_path)
    cache.features(samples, counting)
    changed = samples.clone()
    changed[4, 2] += 1e-6
    assert torch.equal(cache.features(changed, counting), counting(changed))
    assert torch.equal(cache.features(samples[:4], counting), counting(samples[:4]))
    assert torch.equal(cache.features(samples.double(), IdentityFeatureExtractor(3)), samples.double())
    with torch.no_grad():
        counting.module.weight[0, 0] = 5
    assert torch.equal(cache.features(samples, counting), counting(samples))
    renamed = ModuleFeatureExtractor(counting.module, 2, name="other")
    cache.features(samples, renamed)
    assert len(list(tmp_path.iterdir())) == 6


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "rubbish"])
def test_a_damaged_entry_is_reported_and_computed_again(tmp_path, counting, samples, damage):
    cache = FeatureCache(tmp_path)
    expected = cache.features(samples, counting)
    (path,) = tmp_path.iterdir()
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[-3] ^= 1
    elif damage == "truncate":
        del content[-8:]
    else:
        content = b"" if damage == "empty" else b"rubbish" * 10
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="computed again"):
        assert torch.equal(cache.features(samples, counting), expected)
    counting.module.samples = 0
    assert torch.equal(cache.features(samples, counting), expected)
    assert counting.module.samples == 0


def test_an_entry_of_another_shape_is_computed_again(tmp_path, counting, samples):
    from qiskit_qgen.persistence import save_tensors

    cache = FeatureCache(tmp_path)
    expected = cache.features(samples, counting)
    (path,) = tmp_path.iterdir()
    save_tensors(path, {"features": expected[:3]})
    with pytest.warns(UserWarning, match=r"does not hold features of shape \(5, 2\)"):
        assert torch.equal(cache.features(samples, counting), expected)


def test_a_function_cannot_be_cached(tmp_path, samples):
    plain = ModuleFeatureExtractor(lambda x: x, 3, name="plain")
    with pytest.raises(
        ArgumentError, match=r"'plain' wraps a plain function; wrap an nn.Module, or do without a cache"
    ):
        FeatureCache(tmp_path).features(samples, plain)


def test_the_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("QISKIT_QGEN_CACHE", str(tmp_path))
    assert FeatureCache().folder == tmp_path / "features"
    assert FeatureCache(tmp_path / "own").folder == tmp_path / "own"
    monkeypatch.delenv("QISKIT_QGEN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "platform"))
    assert "qiskit_qgen" in FeatureCache().folder.parts


def test_a_folder_that_cannot_be_written_is_named(tmp_path, counting, samples):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"could not be created: .* another folder, or set QISKIT_QGEN_CACHE"):
        FeatureCache(tmp_path / "file" / "folder").features(samples, counting)
