"""Small trainings of all models, in one process or as one of several that torchrun starts.

    torchrun --nproc-per-node 2 parallel_run.py OUT NAME [NAME ...]

Each process writes what it ends with to ``OUT/NAME-RANK.safetensors``.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import torch

if __name__ == "__main__":
    torch.set_num_threads(1)

from qiskit_qgen import HybridGAN, LocalExecution, QuantumDiffusion, StyleQGAN
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.execution.primitive_functions import expectation_function
from qiskit_qgen.persistence import save_tensors
from qiskit_qgen.training import AbstractCallback, EarlyStopping, SampleDiscrepancy, Scores

RANK = int(os.environ.get("RANK", "0"))
OUT = sys.argv[1] if __name__ == "__main__" else ""


def sample_images(number, *shape):
    return torch.rand(number, *shape, generator=torch.Generator().manual_seed(0))


# A critic's bias whose gradient is zero except for rounding errors moves by them, since Adam makes a full step of any
# gradient, however small: sizes and seeds here are such that there is none in these few steps.
def style(**options):
    sizes = {"num_qubits": 3, "num_layers": 2, "autoencoder_width": 4, "autoencoder_hidden": 16, "critic_width": 6}
    model = StyleQGAN(image_shape=(1, 9, 8), **sizes)
    training = model.training_class.of(autoencoder_steps=4, n_critic=2, replay=2, clip_norm=1.0)
    options = {"steps": 6, "batch_size": 32, "seed": 3, "training": training, "callbacks": [], **options}
    return model, model.fit(sample_images(40, 1, 9, 8), **options)


def clusters(**options):
    """A training with categories, by which batches are sorted before they are divided, and of the decoder."""
    sizes = {"num_qubits": 3, "num_layers": 2, "autoencoder_width": 4, "autoencoder_hidden": 16, "critic_width": 6}
    model = StyleQGAN(image_shape=(1, 9, 8), num_clusters=3, **sizes)
    # A slow discriminator, since a bias behind a unit that is never off has no gradient but rounding errors either.
    decoder = {"decoder_steps": 3, "decoder_width": 4, "discriminator_learning_rate": 1e-6}
    training = model.training_class.of(autoencoder_steps=4, n_critic=2, replay=2, **decoder)
    options = {"steps": 5, "batch_size": 32, "seed": 3, "training": training, "callbacks": [], **options}
    return model, model.fit(sample_images(40, 1, 9, 8), **options)


def classes(**options):
    sizes = {"generator_width": 16, "discriminator_width": 16, "num_classes": 2}
    model = HybridGAN(image_shape=(1, 8, 8), quantum_in="none", backbone="conv", **sizes)
    options = {"steps": 3, "batch_size": 8, "seed": 5, "callbacks": [], **options}
    return model, model.fit(sample_images(20, 1, 8, 8), labels=torch.arange(20) % 2, **options)


def tables(**options):
    model = StyleQGAN(image_shape=None, num_features=4, num_qubits=2, num_layers=1, critic_width=6)
    options = {"steps": 4, "batch_size": 32, "seed": 1, "callbacks": [], **options}
    options.setdefault("training", model.training_class(replay=0))
    return model, model.fit(sample_images(40, 4), **options)


def plain(**options):
    """A training without circuits, for what has nothing to do with them."""
    sizes = {"noise_dim": 4, "critic_width": 6, "generator_width": 8}
    model = StyleQGAN(image_shape=None, num_features=4, generator="classical", **sizes)
    options = {"steps": 6, "batch_size": 32, "seed": 1, "callbacks": [], **options}
    return model, model.fit(sample_images(40, 4), **options)


def hybrid(loss="wgan-gp", **options):
    changes = ("color", "translation", "cutout") if loss == "hinge" else ()
    sizes = {"generator_width": 16, "discriminator_width": 16, "num_qubits": 3, "latent_dim": 3}
    model = HybridGAN(image_shape=(1, 8, 8), quantum_in="both", backbone="conv", **sizes)
    training = model.training_class(loss=loss, augmentations=changes)
    options = {"steps": 3, "batch_size": 8, "seed": 5, "training": training, "callbacks": [], **options}
    return model, model.fit(sample_images(20, 1, 8, 8), **options)


def diffusion(**options):
    sizes = {"num_qubits": 3, "num_layers": 1, "architecture_width": 16, "num_steps": 50, "num_classes": 2}
    model = QuantumDiffusion(image_shape=(1, 8, 8), **sizes)
    options = {"steps": 5, "batch_size": 8, "seed": 5, "callbacks": [], **options}
    return model, model.fit(sample_images(20, 1, 8, 8), labels=torch.arange(20) % 2, **options)


def published(**options):
    sizes = {"bottleneck": "se", "bottleneck_width": 4, "architecture": "published", "num_steps": 50}
    model = QuantumDiffusion(image_shape=(1, 8, 8), **sizes)
    options = {"steps": 2, "batch_size": 4, "seed": 5, "callbacks": [], **options}
    return model, model.fit(sample_images(8, 1, 8, 8), **options)


class Calls(AbstractCallback):
    """Counts its calls, and looks at images, which one process alone can do."""

    def __init__(self):
        self.steps = 0

    def on_step_end(self, state):
        self.steps += 1
        state.phase.preview(2, 0)


def scored(**options):
    """A training that a score ends after the third adversarial step."""
    calls = Calls()
    stop = EarlyStopping("discrepancy", 2, phase="adversarial", min_delta=1e9)
    hooks = [Scores({"discrepancy": SampleDiscrepancy(sample_images(9, 1, 9, 8), 20)}, every=1), stop, calls]
    model, history = style(**{"callbacks": hooks, "steps": 9, **options})
    assert calls.steps == (0 if RANK else 4 + 3)
    return model, history


class Interrupt(AbstractCallback):
    """Interrupts the other process, in which no callback is called, or this one if there is no other."""

    def __init__(self, folder):
        self.folder = folder

    def on_step_end(self, state):
        if state.step == 3:
            other = Path(self.folder, "1.pid")
            os.kill(int(other.read_text()) if other.exists() else os.getpid(), signal.SIGINT)
            time.sleep(0.2)


def interrupted(**options):
    """A training that Ctrl-C ends after its third or fourth step, and that is then resumed."""
    folder = Path(OUT, "interrupted")
    folder.mkdir(exist_ok=True)
    Path(folder, f"{RANK}.pid").write_text(str(os.getpid()))
    try:
        plain(checkpoint_dir=folder / "run", callbacks=[Interrupt(folder)], **options)
    except KeyboardInterrupt:
        if RANK == 0:
            shutil.copytree(folder / "run", folder / "stopped")
        return plain(checkpoint_dir=folder / "run", resume=True, **options)
    raise AssertionError("the training was not interrupted")


def unseeded(**options):
    """A training with a seed that is drawn."""
    return plain(**{"seed": None, **options})


class Counted(LocalExecution):
    """The built-in simulator as something that is billed."""

    has_cost = True
    runs = 0

    def _expectation(self, circuit, observables):
        rows = []
        function = expectation_function(circuit, observables, estimator=self.estimator())

        def counted(run, values):
            rows.append(len(values))
            Path(OUT, f"billed-{RANK}.txt").write_text(" ".join(map(str, rows)))
            return run(values)

        return function.run_through(counted)


def billed(**options):
    """A training on an execution that is billed; see the file of the runs that each process has had."""
    model, history = tables(**{"steps": 1, "execution": Counted(), **options})
    if RANK:
        try:
            model.sample(2, execution=Counted())
        except ArgumentError:
            return model, history
        raise AssertionError("another process than that of rank 0 drew billed samples")
    return model, history


RUNS = {
    "style": style,
    "clusters": clusters,
    "classes": classes,
    "tables": tables,
    "plain": plain,
    "hybrid": hybrid,
    "hinge": lambda **options: hybrid("hinge", **options),
    "diffusion": diffusion,
    "published": published,
    "scored": scored,
    "interrupted": interrupted,
    "unseeded": unseeded,
    "billed": billed,
}


def everything(model, history):
    """All weights of a model and its history, by name."""
    tensors = {f"history/{name}": column for name, column in history.to_tensors()[0].items()}
    return {**tensors, **model.state_dict()}


if __name__ == "__main__":
    for name in sys.argv[2:]:
        save_tensors(Path(OUT, f"{name}-{RANK}.safetensors"), everything(*RUNS[name]()))
