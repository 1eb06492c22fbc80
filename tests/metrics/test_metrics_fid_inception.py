"""The door to FID's Inception-v3: its file, what its images become, and the name of the score."""

import hashlib
import sys
import types

import pytest
import torch
from qiskit.exceptions import MissingOptionalLibraryError
from torch import nn

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics import FidInceptionExtractor, evaluate_images, get_extractor, inception_score
from qiskit_qgen.metrics.extractors import fid_inception

NAME = "weights-inception-2015-12-05-6726825d.pth"


class _Network(nn.Module):
    """Takes what torch-fidelity 0.4's network takes, and returns 2048 features that tell what it was given."""

    def __init__(self, name, features_list, feature_extractor_weights_path=None):  # noqa: ARG002
        super().__init__()
        assert features_list == ["2048"]
        self.fc = nn.Linear(2048, 1008)
        self.load_state_dict(torch.load(feature_extractor_weights_path, weights_only=True))

    def forward(self, x):
        assert x.dtype == torch.uint8
        assert x.shape[1] == 3
        corner = x[:, :, :4, :4].float().flatten(1)
        return (torch.cat([corner, torch.zeros(len(x), 2048 - corner.shape[1])], 1),)


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """Stand in for torch-fidelity, which needs torchvision, and for its file of 90 MB."""
    package, module = (
        types.ModuleType("torch_fidelity"),
        types.ModuleType("torch_fidelity.feature_extractor_inceptionv3"),
    )
    module.FeatureExtractorInceptionV3 = _Network
    monkeypatch.setitem(sys.modules, package.__name__, package)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(fid_inception, "HAS_TORCH_FIDELITY", types.SimpleNamespace(require_now=lambda _: None))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    path = tmp_path / "checkpoints" / NAME
    path.parent.mkdir()
    torch.save({"fc.weight": torch.randn(1008, 2048) / 100, "fc.bias": torch.ones(1008)}, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(fid_inception, "_DIGEST_BEGINS", digest[:8])
    return path


def test_images_become_eight_bits_and_three_channels(weights):
    extractor = FidInceptionExtractor(weights)
    grey = torch.arange(256).reshape(1, 1, 16, 16) / 255
    features = extractor(grey)
    assert features.shape == (1, 2048)
    corner = torch.arange(256.0).reshape(16, 16)[:4, :4].flatten()
    assert torch.equal(features[0, :48], corner.repeat(3))
    assert (extractor.name, extractor.num_features) == ("fid-inception-v3", 2048)


def test_the_file_is_taken_from_torchs_cache(weights):
    assert get_extractor("fid-inception-v3").digest() == FidInceptionExtractor(weights).digest()


def test_the_inception_score_takes_logits_without_bias(weights):
    extractor = get_extractor("fid-inception-v3")
    sample_images = torch.rand(60, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    features = extractor(sample_images)
    expected = features @ torch.load(weights, weights_only=True)["fc.weight"].T
    assert torch.allclose(extractor.logits(features), expected)
    result = evaluate_images(sample_images[:40], sample_images[40:], extractor=extractor, subsets=2)
    assert result["inception_score"] == pytest.approx(float(inception_score(expected[:40], splits=1)[0]), rel=1e-4)


def test_other_weights_are_no_fid(weights):
    torch.save({"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.ones(1008)}, weights)
    with pytest.raises(ArgumentError, match="holds something else: distances of other features are not FID"):
        FidInceptionExtractor(weights)


def test_a_missing_file_names_its_address(weights):
    weights.unlink()
    with pytest.raises(ArgumentError, match=r"there is no file .*6726825d\.pth; it can be downloaded from https://"):
        FidInceptionExtractor()


def test_the_missing_library_is_named():
    with (
        fid_inception.HAS_TORCH_FIDELITY.disable_locally(),
        pytest.raises(MissingOptionalLibraryError, match="pip install torch-fidelity"),
    ):
        FidInceptionExtractor()


@pytest.mark.usefixtures("weights")
def test_images_that_do_not_fit_are_refused():
    extractor = FidInceptionExtractor()
    for samples, message in (
        (torch.rand(2, 4, 8, 8), "must have 1 or 3 channels for the extractor 'fid-inception-v3', but has 4"),
        (torch.full((2, 3, 8, 8), 2.0), r"must be floating point in \[0, 1\]"),
        (torch.rand(2, 8), "must have shape"),
    ):
        with pytest.raises(ArgumentError, match=message):
            extractor(samples)
