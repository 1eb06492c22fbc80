"""Where a training step's time goes: ``python -m benchmarks.training_step``.

A step of the demo's StyleQGAN (12 qubits, 8 layers, batches of 128, 3 critic steps) and one of its autoencoder: whole,
with the penalty by autograd's double backward, and its parts. All run by turns in one process, on the threads that a
training chooses.
"""

from __future__ import annotations

import argparse
import os
from contextlib import contextmanager
from itertools import count

from benchmarks.busy import style_qgan_phase
from benchmarks.measuring import limit_threads, processor, time_alternating, versions

TO_REACH = 0.020  # seconds of a StyleQGAN's step


@contextmanager
def penalty_by_autograd():
    """Take the penalty's gradient by autograd, while the context lasts."""
    from qiskit_qgen.networks import Critic

    method = Critic.input_gradient
    del Critic.input_gradient
    try:
        yield
    finally:
        Critic.input_gradient = method


def steps_of(phase):
    """Return the whole step as a function."""
    numbers = count()

    def step():
        with phase.threads():
            phase.train_step(next(numbers))

    for _ in range(20):  # the first fill the store of generated samples
        step()
    return step


def style_qgan():
    """Return the StyleQGAN's step and its parts, and how often a step does each."""
    import torch

    from qiskit_qgen.losses import gradient_penalty, wasserstein_critic_loss

    phase = style_qgan_phase()
    whole, times = steps_of(phase), {}

    def by_autograd():
        with penalty_by_autograd():
            whole()

    functions = {"whole step": whole, "whole step, penalty by autograd": by_autograd}
    generator = torch.Generator().manual_seed(0)
    noise, real = phase.draw(64, generator), phase.real[:128]
    fake = torch.randn(real.shape, generator=generator)
    critic, weights = phase.critic, list(phase.critic.parameters())

    def part(name, function, each=1):
        def on_its_threads():
            with phase.threads():
                function()

        functions[name], times[name] = on_its_threads, each

    def circuit():
        samples = phase.generator(noise)
        samples.backward(torch.ones_like(samples))

    def critic_loss():
        torch.autograd.grad(wasserstein_critic_loss(critic(real), critic(fake)), weights)

    def penalty(network):
        loss = gradient_penalty(network, real, fake, generator=generator)
        torch.autograd.grad(loss, weights, allow_unused=True)

    part("generator with its circuit, forward and back", circuit)
    part("critic's loss, forward and back", critic_loss, 3)
    part("penalty, forward and back", lambda: penalty(critic), 3)
    part("penalty by autograd", lambda: penalty(critic.forward), 3)
    part("critic's Adam", phase.optimizers["critic"].step, 3)
    part("generator's Adam and moving average", lambda: (phase.optimizers["generator"].step(), phase.average.update(9)))
    return functions, times


def autoencoder():
    """Return the autoencoder's step and its parts, and how often a step does each."""
    import torch

    from qiskit_qgen.models import StyleQGAN, StyleQGANTraining

    model = StyleQGAN(image_shape=(1, 28, 28))
    images = torch.rand(1000, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    training = StyleQGANTraining.of(steps=1, autoencoder_steps=10**6, batch_size=128)
    phase = model._phases(images, None, training, 0, warm_start=False)[0]
    phase.begin()
    functions, network, batch = {"whole step": steps_of(phase)}, phase._autoencoder, images[:128]
    functions["forward"] = lambda: network(batch)
    functions["forward and back"] = lambda: network(batch).sum().backward()
    functions["AdamW"] = phase.optimizers["autoencoder"].step
    return functions, dict.fromkeys(("forward", "forward and back", "AdamW"), 1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    limit_threads(options.threads)
    os.environ.pop("OMP_NUM_THREADS")  # a training then chooses torch's threads
    print(f"{processor()}, {options.threads} threads; {versions('torch', 'numba')}\n")
    print("| step | part | times | ms in all |\n|---|---|---|---|")
    for name, build in (("StyleQGAN", style_qgan), ("autoencoder", autoencoder)):
        functions, times = build()
        seconds, _ = time_alternating(functions, options.repeats)
        for part, each in seconds.items():
            number = times.get(part, 1)
            print(f"| {name} | {part} | {number} | {each * number * 1e3:.1f} |")
        if name == "StyleQGAN":
            print(f"| {name} | *to reach* | | {TO_REACH * 1e3:.0f} |")


if __name__ == "__main__":
    main()
