"""EfficientNet-Lite0 trained on ImageNet as a backbone (Tan and Le, arXiv 1905.11946)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from qiskit_qgen.metrics.extractors import EfficientNetLite0Extractor
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
        input_size: Side of the network's input in pixels, at least 32; it was trained at 224.
        scales: The frozen stages whose maps are seen, in rising order; None takes 1 to 4, unless there is a cut.
        scale_width: Channels of the first trained convolution, later ones have twice as many; only with ``scales``,
            where None takes 32.
        frozen_stages: A cut: how many stages stay as they are; None for all that are used.
        last_stage: A cut: the stage whose maps are the features; None for the head.
        grid: A cut: the maps are averaged over a grid x grid division of the picture; None takes 1.
        channels: Which channels of the pictures are taken; None takes all.

    Raises:
        ArgumentError: If an argument is out of range.
        MissingOptionalLibraryError: If the extra `pretrained` is not installed.
    """

    def __init__(
        self,
        input_size: int = 64,
        *,
        scales: Sequence[int] | None = None,
        scale_width: int | None = None,
        frozen_stages: int | None = None,
        last_stage: int | None = None,
        grid: int | None = None,
        channels: Sequence[int] | None = None,
    ) -> None:
        # Named and shaped for one input size: the folded convolutions pad as that size needs.
        network = EfficientNetLite0Extractor(max(input_size, _MINIMUM_SIZE)).network
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
            mean=[127 / 255] * 3,
            std=[128 / 255] * 3,
            input_size=input_size,
            minimum_size=_MINIMUM_SIZE,
            usual_scales=_USUAL_SCALES,
            scales=scales,
            scale_width=scale_width,
            frozen_stages=frozen_stages,
            last_stage=last_stage,
            grid=grid,
            channels=channels,
        )
