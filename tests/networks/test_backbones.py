import sys
import types

import pytest
import torch
from skimage import data
from torch import nn

from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, CheckpointError
from qiskit_qgen.metrics.extractors import EfficientNetLite0Extractor
from qiskit_qgen.networks import (
    ClassicalBlock,
    ConvBackbone,
    EfficientNetLite0Backbone,
    ModuleBackbone,
    StagedBackbone,
    TorchvisionBackbone,
    TransferDiscriminator,
)
from qiskit_qgen.networks.backbones import (
    ConvBackboneConfig,
    EfficientNetLite0Config,
    ResNet18Config,
    StagedConfig,
)


def sample_images(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def lite0():
    pytest.importorskip("efficientnet_lite_pytorch")
    return EfficientNetLite0Backbone(EfficientNetLite0Config(input_size=64, last_stage=9))


def real_images():
    return torch.from_numpy(data.astronaut()[:256, 128:384]).permute(2, 0, 1)[None].float() / 255


def test_lite0_gives_the_features_that_scores_use(lite0):
    image = real_images()
    expected = EfficientNetLite0Extractor(64)(image)
    assert lite0.num_features == 1280
    assert torch.allclose(lite0.features_of(image), expected, atol=1e-4)
    others = [{"input_size": 32, "last_stage": 9}, {"input_size": 64}, {"input_size": 64, "grid": 2}]
    assert lite0.digest() not in [
        EfficientNetLite0Backbone(EfficientNetLite0Config(**options)).digest() for options in others
    ]


def test_gradients_reach_the_images_but_no_frozen_weight(lite0):
    images = sample_images(2, 3, 32, 32).requires_grad_()
    lite0.features(images).sum().backward()
    assert (images.grad.flatten(1).abs().sum(1) > 0).all()
    assert not any(parameter.requires_grad for parameter in lite0.frozen.parameters())
    assert not any(module.training for module in lite0.frozen.modules())


def test_stages_can_be_cut_and_trained(lite0):
    images = sample_images(2, 3, 64, 64)
    cut = EfficientNetLite0Backbone(EfficientNetLite0Config(input_size=64, last_stage=5, grid=2))
    assert cut.num_features == 80 * 4
    assert cut.features(images).shape == (2, 320)
    partly = EfficientNetLite0Backbone(EfficientNetLite0Config(input_size=64, frozen_stages=3))
    tail = partly.tail((3, 64, 64))
    assert tail is not partly.tail((3, 64, 64))
    maps = partly.features(images)
    assert maps.shape == (2, 24, 16, 16)
    assert torch.allclose(tail.train()(maps), lite0.features(images), atol=1e-5)
    assert all(parameter.requires_grad for parameter in tail.parameters())


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (sample_images(1, 4, 32, 32), "must have 1 or 3 channels for the backbone 'efficientnet-lite0', but has 4"),
        (
            sample_images(1, 3, 32, 32) * 255,
            r"must be floating point in \[0, 1\] for the backbone 'efficientnet-lite0'",
        ),
        (sample_images(1, 3, 32, 32) - 0.5, r"must be floating point in \[0, 1\]"),
        (sample_images(1, 3, 32, 32) * float("nan"), r"must be floating point in \[0, 1\]"),
        (torch.zeros(1, 3, 32, 32, dtype=torch.uint8), "but is torch.uint8"),
        (sample_images(3, 32, 32), r"must have shape \(N, C, H, W\)"),
    ],
)
def test_images_of_the_wrong_kind_are_refused_by_name(lite0, images, message):
    with pytest.raises(ArgumentError, match=message):
        lite0.features(images)


def test_channels_can_be_named(lite0):
    chosen = EfficientNetLite0Backbone(EfficientNetLite0Config(input_size=64, last_stage=9, channels=(2, 1, 0)))
    images = sample_images(1, 4, 64, 64)
    assert torch.allclose(chosen.features(images), lite0.features(images[:, [2, 1, 0]]))
    with pytest.raises(ArgumentError, match="must have more than 2 channels"):
        chosen.features(images[:, :2])
    with pytest.raises(ArgumentError, match="`channels` must name 1 or 3 channels"):
        EfficientNetLite0Backbone(EfficientNetLite0Config(input_size=64, channels=(0, 1)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_size": 16}, "`input_size` must be an integer of at least 32"),
        ({"last_stage": 10}, "`last_stage` must be an integer from 1 to 9"),
        ({"last_stage": 3, "frozen_stages": 4}, "`frozen_stages` must be an integer from 1 to 3"),
        ({"scales": (2, 10)}, "`scales` must be an integer from 1 to 9"),
        ({"scales": (3, 2)}, "`scales` must hold stages in rising order"),
        ({"scales": ()}, "`scales` must hold stages in rising order, at least one"),
        ({"scales": (2, 3), "grid": 2}, "`scales` must be None with `frozen_stages`, `last_stage` or `grid`"),
        ({"last_stage": 3, "scale_width": 8}, "`scale_width` has no effect without `scales`"),
        ({"scale_width": 0}, "`scale_width` must be a positive integer"),
    ],
)
@pytest.mark.usefixtures("lite0")
def test_bad_cuts_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        EfficientNetLite0Backbone(EfficientNetLite0Config(**options))


def test_any_module_or_function_is_a_backbone():
    module = nn.Sequential(nn.Flatten(), nn.Linear(192, 7), nn.BatchNorm1d(7))
    frozen = ModuleBackbone(module, 7, name="own")
    images = sample_images(4, 3, 8, 8)
    assert torch.allclose(frozen.features(images), module.eval()(images))
    assert isinstance(frozen.tail((3, 8, 8)), nn.Identity)
    trained = ModuleBackbone(module, 7, name="own", trainable=True)
    assert torch.equal(trained.features(images), images)
    assert torch.allclose(trained.tail((3, 8, 8)).eval()(images), module(images))
    function = ModuleBackbone(lambda x: x.mean((2, 3)), 3, name="mean", num_channels=(3,))
    assert torch.allclose(function.features(images), images.mean((2, 3)))
    with pytest.raises(ArgumentError, match="must have 3 channels for the backbone 'mean', but has 1"):
        function.features(images[:, :1])
    with pytest.raises(ArgumentError, match=r"`features of wrong` must have shape \(N, 5\)"):
        ModuleBackbone(module, 5, name="wrong").features(images)
    with pytest.raises(ArgumentError, match="`trainable` must be False for a function"):
        ModuleBackbone(torch.sin, 3, name="sin", trainable=True)
    with pytest.raises(ArgumentTypeError, match="`module` must be a module or a function"):
        ModuleBackbone(3, 3, name="three")
    with torch.no_grad():
        module[1].weight.add_(1)
    assert not torch.allclose(frozen.features(images), module(images))
    assert ModuleBackbone(module, 7, name="own").digest() != frozen.digest()


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32), (4, 20, 33)])
def test_the_network_from_scratch_fits_its_images(shape):
    backbone = ConvBackbone(shape, ConvBackboneConfig(width=4))
    images = sample_images(2, *shape)
    assert backbone.tail(shape)(backbone.features(images)).shape == (2, backbone.num_features)
    assert torch.equal(backbone.features(images), images)
    assert not backbone.is_trained


@pytest.mark.parametrize("spectral", [False, True])
def test_the_discriminator_scores_each_image_by_itself(spectral):
    shape = (3, 16, 16)
    backbone = ConvBackbone(shape, ConvBackboneConfig(width=4))
    block = ClassicalBlock(5, 5, 15, activation="tanh")
    network = TransferDiscriminator(backbone, shape, block, width=8, spectral_normalization=spectral).eval()
    images = sample_images(4, *shape)
    scores = network(backbone.features(images))
    assert scores.shape == (4,)
    assert torch.allclose(scores[1], network(images[1:2])[0], atol=1e-5)
    if spectral:
        network.train()
        for _ in range(200):
            network(images)
        for layer in (network.neck[1], network.neck[3], network.head, network.tail[0]):
            assert abs(float(torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2)) - 1) < 0.05


# torchvision needs compiled operators that fit torch, so a stand-in of the same interface takes its place here.


class StandIn(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4)
        self.relu, self.maxpool = nn.ReLU(), nn.MaxPool2d(2)
        for number, (inputs, width) in enumerate(((4, 4), (4, 8), (8, 8), (8, 16)), 1):
            setattr(self, f"layer{number}", nn.Sequential(nn.Conv2d(inputs, width, 3, 1, 1), nn.ReLU()))
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return self.fc(x.mean((2, 3)))


@pytest.fixture
def torchvision(monkeypatch, tmp_path):
    module = types.ModuleType("torchvision")
    module.models = types.SimpleNamespace(resnet18=lambda **_: StandIn())
    monkeypatch.setitem(sys.modules, "torchvision", module)
    monkeypatch.setitem(sys.modules, "torchvision.models", module.models)
    door = types.SimpleNamespace(require_now=lambda _: None)
    monkeypatch.setattr("qiskit_qgen.networks.backbones.torchvision.HAS_TORCHVISION", door)
    network = StandIn()
    torch.save(network.state_dict(), tmp_path / "resnet.pth")
    return network.eval(), tmp_path / "resnet.pth"


def test_resnet_is_loaded_from_a_file_and_cut_into_stages(torchvision):
    network, path = torchvision
    backbone = TorchvisionBackbone(ResNet18Config(weights=str(path), last_stage=5))
    images = sample_images(2, 3, 64, 64)
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    features = backbone.features(images)
    assert features.shape == (2, 16)
    assert torch.allclose(network.fc(features), network((images - mean) / std), atol=1e-5)
    partly = TorchvisionBackbone(ResNet18Config(weights=str(path), frozen_stages=2))
    assert torch.allclose(partly.tail((3, 64, 64))(partly.features(images)), features, atol=1e-6)
    usual = TorchvisionBackbone(ResNet18Config(weights=str(path)))
    maps = network.maxpool(network.relu(network.bn1(network.conv1((images - mean) / std))))
    part = usual.features(images)[:, : maps[0].numel()]
    assert torch.allclose(part / part.norm(), maps.flatten(1) / maps.norm(), atol=1e-6)


@pytest.mark.usefixtures("torchvision")
def test_missing_or_wrong_weights_of_resnet_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    with pytest.raises(CheckpointError, match=r"weights of 'resnet18' are not at .*resnet18-f37072fd\.pth"):
        TorchvisionBackbone(ResNet18Config())
    torch.save({"fc.weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="does not hold the weights of 'resnet18'"):
        TorchvisionBackbone(ResNet18Config(weights=str(tmp_path / "other.pth")))


def test_a_staged_network_of_ones_own():
    stages = [nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 6, 3, 2, 1)]
    backbone = StagedBackbone("own", stages, StagedConfig(grid=2), mean=[0.5] * 3, std=[0.5] * 3, input_size=16)
    grey = sample_images(2, 1, 16, 16)
    expected = nn.functional.adaptive_avg_pool2d(stages[1](stages[0](grey.expand(-1, 3, -1, -1) * 2 - 1)), 2)
    assert torch.allclose(backbone.features(grey), expected.flatten(1), atol=1e-6)


def test_scales_are_the_maps_of_frozen_stages_brought_to_one_length(lite0):
    images = sample_images(3, 3, 64, 64)
    backbone = EfficientNetLite0Backbone(EfficientNetLite0Config(input_size=64, scales=(2, 4)))
    features = backbone.features(images)
    maps = (images - 127 / 255) / (128 / 255)
    found = []
    for number, stage in enumerate(lite0.frozen, 1):
        maps = stage(maps)
        if number in (2, 4):
            found.append(maps.flatten(1))
    assert [part.shape[1] for part in found] == [16 * 32 * 32, 40 * 8 * 8]
    for part, expected in zip(features.split([part.shape[1] for part in found], 1), found, strict=True):
        factor = part.norm() / expected.norm()
        assert torch.allclose(part, factor * expected, atol=1e-3 * float(part.std()))
        assert (part.norm(dim=1) > 0.3).all()
        assert (part.norm(dim=1) < 3).all()
    assert not backbone.is_trained
    assert lite0.is_trained


def test_scales_end_in_convolutions_that_join_them_from_fine_to_coarse():
    stages = [nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 6, 3, 2, 1)]
    config = StagedConfig(scales=(1, 2), scale_width=5)
    backbone = StagedBackbone("own", stages, config, mean=[0.5] * 3, std=[0.5] * 3, input_size=16)
    tail = backbone.tail((1, 16, 16))
    features = backbone.features(sample_images(2, 1, 16, 16)).requires_grad_()
    vectors = tail(features)
    assert vectors.shape == (2, backbone.num_features) == (2, 10 * 4 * 4)
    fine, coarse = features.detach().split([4 * 64, 6 * 16], 1)
    fine, coarse = (part * part.shape[1] ** 0.5 for part in (fine, coarse))
    weights = dict(tail.named_parameters())
    hidden = nn.functional.conv2d(fine.view(2, 4, 8, 8), *list(weights.values())[:2], stride=2, padding=1)
    joined = torch.cat([nn.functional.leaky_relu(hidden, 0.2), coarse.view(2, 6, 4, 4)], 1)
    expected = nn.functional.leaky_relu(nn.functional.conv2d(joined, *list(weights.values())[2:], padding=1), 0.2)
    assert torch.allclose(vectors, expected.flatten(1), atol=1e-5)
    (slopes,) = torch.autograd.grad(vectors.square().sum(), features)
    assert all((part.abs().sum(1) > 0).all() for part in slopes.split([4 * 64, 6 * 16], 1))
    assert not any(parameter.requires_grad for parameter in backbone.frozen.parameters())
    assert all(parameter.requires_grad for parameter in tail.parameters())


@pytest.mark.parametrize("shape", [(3, 9, 127), (1, 8, 128), (1, 128, 8), (3, 12, 20)])
def test_convolutions_from_scratch_take_images_of_any_form(shape):
    backbone = ConvBackbone(shape, ConvBackboneConfig(width=2))
    sides = backbone.tail(shape)[:-1](torch.zeros(1, *shape)).shape[2:]
    assert max(sides) <= 4
    assert min(sides) >= 2


def test_categories_are_projected_on_the_hidden_layer():
    torch.manual_seed(0)
    backbone = ModuleBackbone(torch.nn.Flatten(), 64, name="pixels")
    block, kinds = ClassicalBlock(2, 2, 8), torch.tensor([0, 1, 2, 1])
    discriminator = TransferDiscriminator(backbone, (1, 8, 8), block, width=6, num_categories=3)
    features = torch.randn(4, 64)
    neck = discriminator.neck
    hidden = torch.nn.functional.leaky_relu(neck[1](torch.nn.functional.layer_norm(features, (64,))), 0.2)
    plain = discriminator.head(block(neck[3](hidden))).squeeze(1)
    expected = plain + torch.einsum("nw,wn->n", hidden, discriminator.projection.weight[:, kinds])
    torch.testing.assert_close(discriminator(features, torch.eye(3)[kinds]), expected)
    torch.testing.assert_close(discriminator(features), plain)
    assert discriminator(*discriminator.example_inputs(4, torch.Generator())).shape == (4,)
