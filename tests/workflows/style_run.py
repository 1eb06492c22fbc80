"""One small training in a process of its own, which tells what it does, so that a test can kill it at a chosen moment.

    python style_run.py GENERATOR STEPS CHECKPOINT_DIR OUT.safetensors [PHASE STEP]

With a moment given, the process stops itself there (SIGSTOP): the test then kills it with SIGKILL.
"""

import os
import signal
import sys
from pathlib import Path

import torch

torch.set_num_threads(1)

from qiskit_qgen.models import StyleQGAN, StyleQGANTraining  # noqa: E402
from qiskit_qgen.persistence import save_tensors  # noqa: E402
from qiskit_qgen.training import AbstractCallback, SampleDiscrepancy, Scores  # noqa: E402

AUTOENCODER_STEPS, EVERY = 7, 3


class StopAt(AbstractCallback):
    def __init__(self, phase, step):
        self.place = (phase, step)

    def on_step_end(self, state):
        if (state.phase.name, state.step) == self.place:
            os.kill(os.getpid(), signal.SIGSTOP)


def model(generator):
    sizes = {"autoencoder_width": 4, "autoencoder_hidden": 16, "critic_width": 16}
    sizes |= {"num_qubits": 3, "num_layers": 2} if generator == "quantum" else {"latent_dim": 6, "noise_dim": 6}
    return StyleQGAN(image_shape=(1, 9, 8), generator=generator, **sizes)


def train(generator, steps, checkpoint_dir, callbacks=(), resume=True):
    data = torch.rand(20, 1, 9, 8, generator=torch.Generator().manual_seed(0))
    result = model(generator)
    history = result.fit(
        data,
        steps=steps,
        batch_size=8,
        seed=5,
        training=StyleQGANTraining.of(autoencoder_steps=AUTOENCODER_STEPS, replay=2),
        checkpoint_dir=checkpoint_dir,
        checkpoint_every=EVERY,
        resume=resume,
        callbacks=[Scores({"discrepancy": SampleDiscrepancy(data, 20)}, every=4), *callbacks],
    )
    return result, history


def everything(result, history):
    """All weights of a model, its history and some samples, by name."""
    tensors = {f"history/{name}": column for name, column in history.to_tensors()[0].items()}
    return {**tensors, **result.state_dict(), "samples": result.sample(5, seed=1)}


if __name__ == "__main__":
    generator, steps, folder, out, *moment = sys.argv[1:]
    callbacks = [StopAt(moment[0], int(moment[1]))] if moment else []
    save_tensors(Path(out), everything(*train(generator, int(steps), folder, callbacks)))
