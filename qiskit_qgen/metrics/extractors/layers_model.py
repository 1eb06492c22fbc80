"""Keras networks in TensorFlow.js' layers format, 8-bit weights included, as torch modules."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from qiskit_qgen.exceptions import DatasetError

_UNQUOTED_KEY = re.compile(r"([{,])([A-Za-z_]\w*):")
_BARE_FRACTION = re.compile(r"([:\[,]-?)\.(\d)")
_WORDS = {"!0": "true", "!1": "false"}
_ACTIVATIONS: dict[str, type[nn.Module]] = {"linear": nn.Identity, "relu": nn.ReLU}


def parse_network(script: str) -> dict[str, Any]:
    """Return the network, `modelTopology` and `weightsManifest`, that a minified script of a bundler exports.

    Raises:
        DatasetError: If there is none.
    """
    start = script.find("{modelTopology:")
    if start < 0:
        raise DatasetError("The script exports no network of TensorFlow.js.")
    text = script[start:]
    for pattern, word in _WORDS.items():
        text = text.replace(pattern, word)
    text = _BARE_FRACTION.sub(r"\g<1>0.\2", _UNQUOTED_KEY.sub(r'\1"\2":', text))
    try:
        found, _ = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        raise DatasetError(f"The script's network cannot be read: {error}.") from error
    return dict(found)


def read_weights(manifest: Sequence[Mapping[str, Any]], data: bytes) -> dict[str, Tensor]:
    """Return the weights of a manifest by name, float32 in Keras' layout; 8-bit ones are ``scale * q + min``.

    Args:
        manifest: The groups of `weightsManifest`, each with `name`, `shape` and perhaps `quantization`.
        data: All files of the manifest, one after the other.

    Raises:
        DatasetError: If ``data`` has another length, or a type is not known.
    """
    found, start = {}, 0
    for entry in (each for group in manifest for each in group["weights"]):
        shape, scheme = entry["shape"], entry.get("quantization")
        kind = entry["dtype"] if scheme is None else scheme["dtype"]
        if kind not in ("float32", "uint8", "uint16"):
            raise DatasetError(f"Weight {entry['name']!r} has the type {kind}, which is not known.")
        count = int(np.prod(shape))
        size = count * np.dtype(kind).itemsize
        if start + size > len(data):
            raise DatasetError(f"The weights end after {len(data)} bytes, in the middle of {entry['name']!r}.")
        values = np.frombuffer(data, np.dtype(kind).newbyteorder("<"), count, start).astype(np.float32)
        if scheme is not None:
            values = values * np.float32(scheme["scale"]) + np.float32(scheme["min"])
        found[entry["name"]] = torch.from_numpy(values.reshape(shape).copy())
        start += size
    if start != len(data):
        raise DatasetError(f"The weights take {start} bytes, but there are {len(data)}.")
    return found


class LayersModel(nn.Module):
    """A functional Keras network of images, channels first here.

    It knows Conv2D, BatchNormalization, Activation, MaxPooling2D, AveragePooling2D, Concatenate, Flatten, Dropout and
    Dense, with TensorFlow's conventions: padding "same" puts the odd pixel after, and an average leaves padding out.

    Args:
        topology: `modelTopology` of the file.
        weights: Weights by name, in Keras' layout: (height, width, in, out).

    Raises:
        DatasetError: If a layer is not known, or a weight is missing.
    """

    def __init__(self, topology: Mapping[str, Any], weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._inputs: dict[str, list[str]] = {}
        with torch.device("meta"):  # no random initial weights, which would move the global generator
            for layer in topology["model_config"]["config"]["layers"]:
                name = layer["name"]
                self.add_module(name, _module(layer["class_name"], layer["config"], weights))
                self._inputs[name] = [each[0] for node in layer["inbound_nodes"] for each in node]
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the last layer's output for images (N, C, H, W)."""
        found: dict[str, Tensor] = {}
        last_use = {source: name for name, inputs in self._inputs.items() for source in inputs}
        output = images
        for name, inputs in self._inputs.items():
            output = self.get_submodule(name)(*[found[each] for each in inputs] or [images])
            found[name] = output
            for each in inputs:
                if last_use[each] == name:
                    found.pop(each, None)
        return output

    def split(self, last: str, *, after: str) -> tuple[LayersModel, nn.Sequential]:
        """Return the layers up to ``last``, and those that follow ``after`` one by one; this network is used up."""
        names = list(self._inputs)
        head = nn.Sequential(*(self.get_submodule(name) for name in names[names.index(after) + 1 :]))
        for name in names[names.index(last) + 1 :]:
            del self._inputs[name]
            delattr(self, name)
        return self, head


class _Convolution(nn.Conv2d):
    """A convolution with TensorFlow's padding, which depends on the image's size where the stride is not 1."""

    def __init__(self, weight: Tensor, bias: Tensor | None, stride: Sequence[int], padding: str) -> None:
        rows, columns, inputs, outputs = weight.shape
        super().__init__(inputs, outputs, (rows, columns), (stride[0], stride[1]), bias=bias is not None)
        self.weight = nn.Parameter(weight.permute(3, 2, 0, 1).contiguous())
        if bias is not None:
            self.bias = nn.Parameter(bias)
        self.same = padding == "same"

    def forward(self, images: Tensor) -> Tensor:
        if self.same:
            images = F.pad(images, _same(images, self.kernel_size, self.stride))
        return super().forward(images)


class _Pooling(nn.Module):
    """The mean or maximum of windows; with padding "same", of what of them lies in the image."""

    def __init__(self, size: Sequence[int], stride: Sequence[int], padding: str, *, mean: bool) -> None:
        super().__init__()
        self.size, self.stride, self.same, self.mean = tuple(size), tuple(stride), padding == "same", mean

    def forward(self, images: Tensor) -> Tensor:
        pads = _same(images, self.size, self.stride) if self.same else (0, 0, 0, 0)
        if not self.mean:
            return F.max_pool2d(F.pad(images, pads, value=-torch.inf), self.size, self.stride)
        total = F.avg_pool2d(F.pad(images, pads), self.size, self.stride)
        inside = F.avg_pool2d(F.pad(torch.ones_like(images[:1, :1]), pads), self.size, self.stride)
        return total / inside


class _Concatenation(nn.Module):
    def forward(self, *images: Tensor) -> Tensor:
        return torch.cat(images, dim=1)


class _ChannelsLastFlatten(nn.Module):
    """Flattens as Keras does, channels last."""

    def forward(self, images: Tensor) -> Tensor:
        return images.permute(0, 2, 3, 1).flatten(1)


def _same(images: Tensor, size: Sequence[int], stride: Sequence[int]) -> tuple[int, int, int, int]:
    """Return the padding (left, right, top, bottom) that gives ceil(length / stride) windows."""
    (top, bottom), (left, right) = (
        (total // 2, total - total // 2)
        for length, window, step in zip(images.shape[-2:], size, stride, strict=True)
        for total in (max((-(-length // step) - 1) * step + window - length, 0),)
    )
    return left, right, top, bottom


def _module(kind: str, config: Mapping[str, Any], weights: Mapping[str, Tensor]) -> nn.Module:
    def weight(part: str) -> Tensor:
        try:
            return weights[f"{config['name']}/{part}"]
        except KeyError as error:
            raise DatasetError(f"There is no weight '{config['name']}/{part}'.") from error

    if kind == "Conv2D" and config["dilation_rate"] == [1, 1] and config["activation"] in _ACTIVATIONS:
        bias = weight("bias") if config["use_bias"] else None
        convolution = _Convolution(weight("kernel"), bias, config["strides"], config["padding"])
        return nn.Sequential(convolution, _ACTIVATIONS[config["activation"]]())
    if kind == "BatchNormalization":
        return _normalization(config, weight)
    if kind in ("MaxPooling2D", "AveragePooling2D"):
        mean = kind == "AveragePooling2D"
        return _Pooling(config["pool_size"], config["strides"], config["padding"], mean=mean)
    if kind == "Dense":
        kernel = weight("kernel")
        dense = nn.Linear(kernel.shape[0], kernel.shape[1], bias=config["use_bias"])
        dense.weight = nn.Parameter(kernel.T.contiguous())
        if config["use_bias"]:
            dense.bias = nn.Parameter(weight("bias"))
        last = nn.Softmax(dim=1) if config["activation"] == "softmax" else _ACTIVATIONS[config["activation"]]()
        return nn.Sequential(dense, last)
    if kind == "Activation" and config["activation"] in _ACTIVATIONS:
        return _ACTIVATIONS[config["activation"]]()
    simple: dict[str, type[nn.Module]] = {
        "InputLayer": nn.Identity,
        "Dropout": nn.Identity,
        "Concatenate": _Concatenation,
        "Flatten": _ChannelsLastFlatten,
    }
    if kind not in simple:
        raise DatasetError(f"Layer {config['name']!r} of the kind {kind} is not known.")
    return simple[kind]()


def _normalization(config: Mapping[str, Any], weight: Any) -> nn.Module:
    mean, variance = weight("moving_mean"), weight("moving_variance")
    module = nn.BatchNorm2d(len(mean), eps=config["epsilon"])
    module.weight = nn.Parameter(weight("gamma") if config["scale"] else torch.ones(len(mean), device="cpu"))
    module.bias = nn.Parameter(weight("beta") if config["center"] else torch.zeros(len(mean), device="cpu"))
    module.running_mean, module.running_var = mean, variance
    module.num_batches_tracked = torch.zeros((), dtype=torch.long, device="cpu")
    return module
