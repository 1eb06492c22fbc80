"""How a QuantumDiffusion draws pictures, and what may be asked of one draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from qiskit_qgen._checks import check_choice, check_float
from qiskit_qgen.diffusion import ddim_sample, ddpm_sample, dpm_solver_sample, process_sample, spaced_steps
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.models.diffusion_arguments import GAUSSIAN, SAMPLERS, check_sampling_steps
from qiskit_qgen.models.diffusion_parts import Sources


def sampling_options(arguments: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's arguments with those of one draw, of which None changes nothing.

    Raises:
        ArgumentError: If one is out of range or without effect.
    """
    options = {**arguments, **{name: value for name, value in changes.items() if value is not None}}
    if changes["guidance"] is not None and arguments["num_classes"] is None:
        raise ArgumentError("Argument `guidance` has no effect on a model without classes: leave it out.")
    if changes["sampler"] is not None and arguments["process"] != GAUSSIAN:
        raise ArgumentError("Argument `sampler` has no effect unless the process is Gaussian: leave it out.")
    check_float("guidance", options["guidance"], minimum=0)
    check_choice("sampler", options["sampler"], SAMPLERS)
    check_sampling_steps(options)
    if options["sampler"] == "ddpm" and changes["sampling_steps"] is not None:
        raise ArgumentError(
            "Argument `sampling_steps` has no effect with sampler='ddpm', which takes all: leave it out."
        )
    return options


def network_calls(arguments: Mapping[str, Any]) -> int:
    """Return how often the network is called for a batch of pictures."""
    calls = arguments["num_steps"] if arguments["sampler"] == "ddpm" else arguments["sampling_steps"]
    guided = arguments["num_classes"] is not None and arguments["guidance"] != 1
    return int(calls) * (2 if guided else 1)


@torch.no_grad()
def draw_pictures(
    networks: Mapping[str, Any],
    sources: Sources,
    number: int,
    generator: torch.Generator,
    labels: Tensor | None,
    arguments: Mapping[str, Any],
) -> Tensor:
    """Draw pictures (number, C, H, W) in [-1, 1].

    Args:
        networks: The model's networks by name.
        sources: What pictures drown in.
        number: Number of pictures.
        generator: Source of randomness.
        labels: Labels (number,); None draws them, if the model has classes.
        arguments: The model's arguments, or others for this draw.
    """
    count, strength = arguments["num_classes"], arguments["guidance"]
    if count is not None and labels is None:
        labels = torch.randint(count, (number,), generator=generator)

    def fresh(shape: Sequence[int]) -> Tensor:
        return sources.noise.sample(shape[0], generator).view(tuple(shape))

    def model(x: Tensor, steps: Tensor) -> Tensor:
        output: Tensor = networks["denoiser"](x, steps, labels)
        if labels is None or strength == 1:
            return output
        free: Tensor = networks["denoiser"](x, steps, torch.full_like(labels, count))
        return free + strength * (output - free)

    shape = (number, *arguments["image_shape"])
    if sources.process is not None:
        calls = spaced_steps(sources.process.num_steps, arguments["sampling_steps"])
        drawn = process_sample(lambda x, steps: model(2 * x - 1, steps), sources.process, shape, generator, steps=calls)
        return 2 * drawn - 1
    schedule, kind = networks["schedule"].schedule(), arguments["prediction"]
    start = fresh(shape)
    if arguments["sampler"] == "ddpm":
        return ddpm_sample(model, start, schedule, noise=fresh, prediction=kind)
    few = {"ddim": ddim_sample, "dpm-solver": dpm_solver_sample}[arguments["sampler"]]
    return few(model, start, schedule, num_steps=arguments["sampling_steps"], prediction=kind)
