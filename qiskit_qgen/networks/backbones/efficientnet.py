"""EfficientNet-Lite0 trained on ImageNet as a backbone (Tan and Le, arXiv 1905.11946)."""

from __future__ import annotations

from torch import nn

from qiskit_qgen.metrics.extractors import EfficientNetLite0Extractor
from qiskit_qgen.networks.backbones.config import EfficientNetLite0Config
from qiskit_qgen.networks.backbones.staged import StagedBackbone

NAME = "efficientnet-lite0"
_MINIMUM_SIZE = 32
_USUAL_SCALES = (1, 2, 3, 4)  # maps of 16 x 16, 16 x 16, 8 x 8 and 4 x 4 at 32 pixels


class EfficientNetLite0Backbone(StagedBackbone):
    """The trunk of EfficientNet-Lite0 in 9 stages; the weights come with the extra `pretrained`.

    Stage 1 is the stem, stages 2 to 8 are the groups of blocks with 16, 24, 40, 80, 112, 192 and 320 channels at
    strides 2, 4, 8, 16, 16, 32 and 32, stage 9 is the head with 1280 channels. Batch normalisation is folded into the
    convolutions.

    Args:
        config: How it is seen; its usual scales are stages 1 to 4.
        side: Side of the network's input, where ``config`` leaves it open; at least 32, it was trained at 224.

    Raises:
        ArgumentError: If an option is out of range.
        MissingOptionalLibraryError: If the extra `pretrained` is not installed.
    """

    def __init__(self, config: EfficientNetLite0Config = EfficientNetLite0Config(), *, side: int = 64) -> None:
        input_size = max(_MINIMUM_SIZE, side)
        # Named and shaped for one input size: the folded convolutions pad as that size needs.
        network = EfficientNetLite0Extractor(max(_MINIMUM_SIZE, config.input_size or input_size)).network
        act = nn.ReLU6()
        groups: dict[int, list[nn.Module]] = {}
        for block in network._blocks:
            groups.setdefault(block._block_args.output_filters, []).append(block)
        stages = [
            nn.Sequential(network._conv_stem, act),
            *(nn.Sequential(*blocks) for blocks in groups.values()),
            nn.Sequential(network._conv_head, act),
        ]
        super().__init__(
            NAME,
            stages,
            config,
            mean=[127 / 255] * 3,
            std=[128 / 255] * 3,
            input_size=input_size,
            minimum_size=_MINIMUM_SIZE,
            usual_scales=_USUAL_SCALES,
        )
