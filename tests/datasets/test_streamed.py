"""Images that are read when they are asked for: the same numbers as in memory, and memory that they do not take."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from qiskit_qgen.datasets import hold_out, load_dataset
from qiskit_qgen.exceptions import ArgumentError, DatasetError

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 8, 8, 3), np.uint8)
LABELS = np.arange(30) % 3

# A training on a file of NUMBER images, with the most memory that it took beside what the libraries take.
TRAINING = """
import json, resource, sys
import torch
from qiskit_qgen import StyleQGAN, load_dataset
from qiskit_qgen.models import StyleQGANTraining
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
sizes = {"generator": "classical", "latent_dim": 4, "noise_dim": 4, "critic_width": 8}
sizes |= {"autoencoder_width": 2, "autoencoder_hidden": 4}
training = StyleQGANTraining.of(steps=2, autoencoder_steps=2, batch_size=16)
def train(data, shape):
    model = StyleQGAN(image_shape=shape, **sizes)
    model.fit(data, training=training, seed=0, callbacks=[])
    return model
train(torch.rand(1024, 3, 32, 32), (3, 32, 32))  # what libraries, compiling and a batch take
before = peak()
model = train(load_dataset(sys.argv[1], stream=True), (3, 32, 32))
print(json.dumps({"bytes": peak() - before, "sample": model.sample(2, seed=0).mean().item()}))
"""


def write(folder, kind):
    path = folder / f"a.{'npy' if kind == 'npy' else 'npz'}"
    if kind == "npy":
        np.save(path, PIXELS)
    else:
        (np.savez_compressed if kind == "packed" else np.savez)(path, images=PIXELS, labels=LABELS)
    return path


@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_streamed_images_are_those_of_the_file(kind, tmp_path):
    path = write(tmp_path, kind)
    streamed, held = (load_dataset(path, stream=stream) for stream in (True, False))
    assert streamed.images.shape == held.images.shape == (27, 3, 8, 8)
    assert torch.equal(streamed.images[:], held.images)
    rows = torch.tensor([5, 6, 7, 1, 26, 5])
    assert torch.equal(streamed.images[rows], held.images[rows])
    assert torch.equal(torch.cat(list(streamed.images.split(4))), held.images)
    assert torch.equal(streamed.images.whole(), held.images)
    if kind == "npz":
        assert torch.equal(streamed.labels, held.labels)
    test = [load_dataset(path, split="test", stream=stream).images[:] for stream in (True, False)]
    assert torch.equal(*test)
    drawn = [load_dataset(path, num_images=5, subset_seed=2, stream=stream).images[:] for stream in (True, False)]
    assert torch.equal(*drawn)


def test_parts_conversions_and_changes_of_streamed_images(tmp_path):
    data = load_dataset(write(tmp_path, "npz"), stream=True)
    train, validation = hold_out(data, 7)
    assert (len(train), len(validation)) == (20, 7)
    whole = load_dataset(tmp_path / "a.npz")
    assert torch.equal(validation.images[:], hold_out(whole, 7)[1].images)
    changed = data.images.map(lambda images: images * 2).map(lambda images: images - 1).to("cpu", torch.float64)
    torch.testing.assert_close(changed[:], whole.images.double() * 2 - 1, atol=1e-6, rtol=0)
    assert changed[:].dtype == torch.float64
    assert data.images[torch.tensor([], dtype=torch.int64)].shape == (0, 3, 8, 8)


def test_a_part_of_dark_pixels_is_no_sign_of_another_scale(tmp_path):
    pixels = PIXELS.copy()
    pixels[:10] = 1
    np.save(tmp_path / "a.npy", pixels)
    data = load_dataset(tmp_path / "a.npy", stream=True, test_fraction=0)
    torch.testing.assert_close(data.images[:10], torch.full((10, 3, 8, 8), 1 / 255))


def test_what_cannot_be_streamed_is_refused(tmp_path):
    def refusal(*arguments, error=ArgumentError, **options):
        with pytest.raises(error) as caught:
            load_dataset(*arguments, stream=True, **options)
        return str(caught.value)

    assert "is compressed, so that images cannot be streamed" in refusal(write(tmp_path, "packed"), error=DatasetError)
    torch.save(torch.zeros(3, 1, 8, 8), tmp_path / "a.pt")
    assert "`stream` has an effect on .npy and .npz files" in refusal(tmp_path / "a.pt")
    assert "leave it out" in refusal("digits")
    path = write(tmp_path, "npy")
    path.write_bytes(path.read_bytes()[:-5])
    assert "is truncated or damaged" in refusal(path, error=DatasetError)
    np.save(path, np.full((4, 8, 8), 2.0))
    with pytest.raises(DatasetError, match=r"a\.npy must hold numbers from 0 to 1"):
        _ = load_dataset(path, stream=True).images[:2]


def test_streamed_images_larger_than_the_memory_are_not_made_one_tensor(tmp_path, monkeypatch):
    from qiskit_qgen.datasets import reading

    data = load_dataset(write(tmp_path, "npy"), stream=True)
    monkeypatch.setattr(reading, "free_memory", lambda: 1000.0)
    with pytest.raises(DatasetError, match=r"^File .*a.npy declares 5184 values, which need"):
        data.images.whole()


def test_a_training_on_a_streamed_file_takes_a_part_of_the_memory_of_its_images(tmp_path):
    number, shape = 5000, (3, 32, 32)
    size = 4 * number * int(np.prod(shape))  # 61 MB as float32, 15 MB in the file
    file = np.lib.format.open_memmap(tmp_path / "big.npy", "w+", np.uint8, (number, *shape))
    for start in range(0, number, 1000):
        file[start : start + 1000] = np.random.default_rng(start).integers(0, 256, (1000, *shape), np.uint8)
    file.flush()
    command = [sys.executable, "-c", TRAINING, str(tmp_path / "big.npy")]
    found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert found["bytes"] < 0.5 * size
