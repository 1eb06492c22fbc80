"""Style mixing: some angles of the circuit follow one noise vector, the others another one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import torch
from torch import Tensor

from qiskit_qgen._checks import check_distinct, check_int, check_shape
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution import AbstractExecution
from qiskit_qgen.models.base import AbstractGenerativeModel
from qiskit_qgen.models.base.run_settings import executed_on
from qiskit_qgen.models.style_qgan.config import QuantumGeneratorConfig
from qiskit_qgen.networks import QuantumStyleGenerator
from qiskit_qgen.training.rank_sources import check_may_bill


@torch.no_grad()
def mix_styles(
    model: AbstractGenerativeModel,
    noise: Tensor,
    other: Tensor,
    layers: Iterable[int] | None,
    angles: Iterable[int] | None,
    execution: AbstractExecution | None,
) -> Tensor:
    """Return samples of mixed noise; see :meth:`StyleQGAN.mix_styles`."""
    chosen = _chosen_angles(model.config.generator, layers, angles)
    model._check_device()
    check_may_bill(execution)
    first, second = model._checked_noise("noise", noise), model._checked_noise("other", other)
    check_shape("other", other.shape, f"{tuple(noise.shape)}, that of `noise`", other.shape == noise.shape)
    generator = cast(QuantumStyleGenerator, model.get_submodule("generator"))
    follows = torch.zeros(generator.style.num_angles, dtype=torch.bool)
    follows[chosen] = True
    parts = []
    with model._evaluating(), executed_on(generator, execution):
        for rows, others in zip(first.split(model._sample_batch), second.split(model._sample_batch), strict=True):
            one, two = (generator.style(each.to(model.device, model.dtype)) for each in (rows, others))
            parts.append(generator.of_angles(torch.where(follows.to(one.device), two, one)))
        return torch.cat([model.decode(part).cpu() for part in parts]).float().contiguous()


def _chosen_angles(options: Any, layers: Iterable[int] | None, angles: Iterable[int] | None) -> list[int]:
    """Return the indices of the angles that follow the other noise vector.

    Raises:
        ArgumentError: If there are no angles, both or neither of ``layers`` and ``angles`` are given, or one of them
            is out of range.
    """
    if not isinstance(options, QuantumGeneratorConfig):
        raise ArgumentError(
            "Styles are mixed in a circuit's angles, which a StyleQGAN with generator='classical' lacks."
        )
    if (layers is None) == (angles is None):
        raise ArgumentError("Exactly one of the arguments `layers` and `angles` must be given.")
    ranges = options.layers_of_angles()
    if angles is not None:
        most = ranges[-1].stop - 1
        listed = check_distinct("angles", angles)
        return [check_int(f"angles[{k}]", each, minimum=0, maximum=most) for k, each in enumerate(listed)]
    if options.ansatz is not None:
        raise ArgumentError("Argument `layers` must be None for an ansatz of your own: give `angles`.")
    last = len(ranges) - 1
    numbers = check_distinct("layers", layers)
    numbers = [check_int(f"layers[{k}]", each, minimum=0, maximum=last) for k, each in enumerate(numbers)]
    return [angle for number in numbers for angle in ranges[number]]
