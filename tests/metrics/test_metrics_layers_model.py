"""Keras networks read from TensorFlow.js' form: against numbers worked out by TensorFlow's rules with numpy."""

import itertools
import json

import numpy as np
import pytest
import torch

from qiskit_qgen.exceptions import DatasetError
from qiskit_qgen.metrics.extractors.layers_model import LayersModel, parse_network, read_weights


def padded(image, size, stride):
    """TensorFlow's "same" padding of (H, W, C): ceil(length / stride) windows, the odd row or column after."""
    pads = []
    for length in image.shape[:2]:
        total = max((-(-length // stride) - 1) * stride + size - length, 0)
        pads.append((total // 2, total - total // 2))
    return np.pad(image, [*pads, (0, 0)], constant_values=np.nan)


def windows(image, size, stride, padding):
    image = padded(image, size, stride) if padding == "same" else image
    rows, columns = ((length - size) // stride + 1 for length in image.shape[:2])
    found = np.empty((rows, columns, size, size, image.shape[2]))
    for i, j in itertools.product(range(rows), range(columns)):
        found[i, j] = image[i * stride : i * stride + size, j * stride : j * stride + size]
    return found


def layer(kind, name, inputs, **config):
    nodes = [[[each, 0, 0, {}] for each in inputs]] if inputs else []
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}


def network(*layers):
    return {"model_config": {"config": {"layers": [layer("InputLayer", "x", []), *layers]}}}


def convolution(name, inputs, stride, padding, **options):
    given = {"dilation_rate": [1, 1], "activation": "linear", "use_bias": False, **options}
    return layer("Conv2D", name, inputs, strides=[stride, stride], padding=padding, **given)


def run(topology, weights, image):
    tensors = {name: torch.as_tensor(np.asarray(value, dtype=np.float32)) for name, value in weights.items()}
    output = LayersModel(topology, tensors)(torch.as_tensor(image, dtype=torch.float32).permute(2, 0, 1)[None])
    return output[0].permute(1, 2, 0).numpy() if output.dim() == 4 else output[0].numpy()


@pytest.mark.parametrize("shape", [(7, 6, 3), (8, 9, 3)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_a_convolution_pads_as_tensorflow_does(shape, stride, padding):
    rng = np.random.default_rng(1)
    image, kernel, bias = rng.normal(size=shape), rng.normal(size=(3, 3, 3, 4)), rng.normal(size=4)
    topology = network(convolution("c", ["x"], stride, padding, use_bias=True, activation="relu"))
    parts = np.nan_to_num(windows(image, 3, stride, padding))
    expected = np.maximum(np.einsum("ijabc,abcd->ijd", parts, kernel) + bias, 0)
    found = run(topology, {"c/kernel": kernel, "c/bias": bias}, image)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("kind", ["MaxPooling2D", "AveragePooling2D"])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("stride", [1, 2])
def test_pooling_leaves_padding_out(kind, padding, stride):
    image = np.random.default_rng(2).normal(-3, 1, size=(6, 7, 2))
    topology = network(layer(kind, "p", ["x"], pool_size=[3, 3], strides=[stride, stride], padding=padding))
    over = np.nanmax if kind == "MaxPooling2D" else np.nanmean
    np.testing.assert_allclose(
        run(topology, {}, image), over(windows(image, 3, stride, padding), axis=(2, 3)), rtol=1e-5
    )


@pytest.mark.parametrize("scale", [True, False])
def test_batch_normalisation_uses_the_moving_statistics_and_its_epsilon(scale):
    rng = np.random.default_rng(3)
    image, mean, beta = rng.normal(size=(4, 4, 3)), rng.normal(size=3), rng.normal(size=3)
    variance, gamma = rng.uniform(0.01, 0.1, size=3), rng.normal(size=3)
    topology = network(layer("BatchNormalization", "b", ["x"], epsilon=0.1, scale=scale, center=True))
    weights = {"b/moving_mean": mean, "b/moving_variance": variance, "b/beta": beta, "b/gamma": gamma}
    expected = (image - mean) / np.sqrt(variance + 0.1) * (gamma if scale else 1) + beta
    np.testing.assert_allclose(run(topology, weights, image), expected, rtol=1e-4, atol=1e-5)


def test_branches_join_and_flatten_channels_last():
    rng = np.random.default_rng(4)
    image, kernel, dense = rng.normal(size=(2, 2, 2)), rng.normal(size=(1, 1, 2, 3)), rng.normal(size=(20, 4))
    topology = network(
        convolution("c", ["x"], 1, "same"),
        layer("Activation", "a", ["c"], activation="relu"),
        layer("Concatenate", "j", ["x", "a"], axis=3),
        layer("Flatten", "f", ["j"]),
        layer("Dropout", "d", ["f"], rate=0.5),
        layer("Dense", "o", ["d"], units=4, activation="softmax", use_bias=False),
    )
    joined = np.concatenate([image, np.maximum(image @ kernel[0, 0], 0)], axis=2)
    logits = joined.reshape(-1) @ dense
    expected = np.exp(logits) / np.exp(logits).sum()
    np.testing.assert_allclose(run(topology, {"c/kernel": kernel, "o/kernel": dense}, image), expected, rtol=1e-4)


def test_a_network_is_split_into_features_and_head():
    rng = np.random.default_rng(5)
    tensors = {"o/kernel": torch.as_tensor(rng.normal(size=(12, 4)), dtype=torch.float32)}
    topology = network(
        layer("Activation", "a", ["x"], activation="relu"),
        layer("Flatten", "f", ["a"]),
        layer("Dense", "o", ["f"], units=4, activation="linear", use_bias=False),
    )
    images = torch.as_tensor(rng.normal(size=(5, 3, 2, 2)), dtype=torch.float32)
    whole = LayersModel(topology, tensors)(images)
    features, head = LayersModel(topology, tensors).split("a", after="f")
    maps = features(images)
    assert torch.equal(maps, images.relu())
    assert torch.allclose(head(maps.permute(0, 2, 3, 1).flatten(1)), whole)


def test_eight_bit_weights_are_scaled_and_shifted():
    eight_bits = {"dtype": "uint8", "min": -1.0, "scale": 0.5}
    manifest = [
        {"weights": [{"name": "a", "shape": [2, 1], "dtype": "float32", "quantization": eight_bits}]},
        {"weights": [{"name": "b", "shape": [2], "dtype": "float32"}]},
    ]
    data = bytes([0, 6]) + np.array([1.5, -2.0], dtype="<f4").tobytes()
    found = read_weights(manifest, data)
    assert found["a"].tolist() == [[-1.0], [2.0]]
    assert found["b"].tolist() == [1.5, -2.0]
    for wrong in (data[:-1], data + b"x"):
        with pytest.raises(DatasetError, match="bytes"):
            read_weights(manifest, wrong)


def test_a_bundlers_object_is_read_as_json():
    expected = {"modelTopology": {"a": True, "b": False, "c": -0.5, "d": [0.25, None], "e": "x_1"}, "w": 1}
    text = '{modelTopology:{a:!0,b:!1,c:-.5,d:[.25,null],e:"x_1"},w:1}'
    script = f"!function(){{t({{1:[function(a,n,i){{n.exports={text}}},{{}}]}})}}()"
    assert json.loads(json.dumps(parse_network(script))) == expected
    for wrong in ("n.exports={}", script.replace("null]", "null")):
        with pytest.raises(DatasetError):
            parse_network(wrong)


@pytest.mark.parametrize(
    ("unknown", "message"),
    [
        (layer("LSTM", "l", ["x"]), "kind LSTM is not known"),
        (convolution("c", ["x"], 1, "same"), "no weight 'c/kernel'"),
        (layer("Activation", "a", ["x"], activation="gelu"), "not known"),
    ],
)
def test_what_is_not_known_is_refused(unknown, message):
    with pytest.raises(DatasetError, match=message):
        LayersModel(network(unknown), {})
