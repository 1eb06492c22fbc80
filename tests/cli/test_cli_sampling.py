"""``qgen sample``: what it writes, and what it refuses."""

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.ImageSequence import all_frames

from qiskit_qgen import load_dataset, models
from qiskit_qgen.datasets import ImageDataset
from qiskit_qgen.models import StyleQGAN
from tests.models.small import hybrid


def refused(result, sentence):
    assert result.exit_code == 2, result.output
    assert result.stderr.splitlines()[-1] == f"Error: {sentence}"


def test_sample_draws_a_grid_in_the_form_that_is_asked_for(qgen, model_dir, tmp_path):
    out = tmp_path / "grid.png"
    result = qgen("sample", model_dir, "-n", 6, "--columns", 3, "--seed", 1, "-o", out)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{out}: 6 samples of shape (1, 8, 8), seed 1\n"
    with Image.open(out) as image:
        width, height = image.size
        assert width * 17 == height * 26
        assert np.asarray(image.convert("L")).std() > 3


def test_sample_without_a_seed_draws_a_fresh_one_and_names_it(qgen, model_dir, tmp_path):
    lines = [qgen("sample", model_dir, "-n", 2, "-o", tmp_path / f"{i}.npy").stdout for i in range(2)]
    seeds = [int(line.rsplit(" ", 1)[1]) for line in lines]
    assert seeds[0] != seeds[1]
    first, second = (np.load(tmp_path / f"{i}.npy") for i in range(2))
    assert not np.array_equal(first, second)
    qgen("sample", model_dir, "-n", 2, "--seed", seeds[0], "-o", tmp_path / "again.npy")
    assert np.array_equal(np.load(tmp_path / "again.npy"), first)


def test_sample_refuses_what_only_another_model_has(qgen, model_dir, tmp_path):
    refused(
        qgen("sample", model_dir, "-o", tmp_path / "out.png", "--guidance", 2),
        "StyleQGAN.sample has no option `guidance`: the known ones are num_samples, seed, generator, noise, labels, "
        "class_counts, oversample, truncation, execution.",
    )
    refused(
        qgen("sample", model_dir, "-o", tmp_path / "out.png", "--label", 1),
        "Argument `labels` must be None for a model without classes.",
    )


SMALL = {
    "StyleQGAN": {"num_qubits": 2, "num_layers": 1, "autoencoder_width": 4, "autoencoder_hidden": 8},
    "HybridGAN": {"quantum_in": "none", "backbone": "conv", "generator_width": 16, "discriminator_width": 8},
    "QuantumDiffusion": {"bottleneck": "plain", "architecture_width": 8, "num_steps": 20, "sampling_steps": 3},
}


@pytest.mark.parametrize("name", SMALL)
def test_a_class_is_sampled_by_number_or_name(qgen, name, tmp_path):
    model = getattr(models, name)(image_shape=(1, 8, 8), num_classes=2, **SMALL[name])
    images = np.random.default_rng(0).random((8, 1, 8, 8), dtype=np.float32)
    data = ImageDataset(torch.from_numpy(images), torch.arange(8) % 2, "two", "train", ("cat", "dog"))
    one = {"autoencoder_steps": 1} if name == "StyleQGAN" else {}
    training = model.training_class.of(steps=4, batch_size=4, **one)
    model.fit(data, training=training, seed=0, callbacks=[])
    model.save_pretrained(tmp_path / "model")
    best = {} if name == "QuantumDiffusion" else {"oversample": 2}
    options = [text for key, value in best.items() for text in (f"--{key}", value)]
    for asked, label in (("dog", "dog"), ("1", 1)):
        out = tmp_path / f"{asked}.npy"
        result = qgen("sample", tmp_path / "model", "-n", 3, "--seed", 4, "--label", asked, *options, "-o", out)
        assert result.exit_code == 0, result.stderr
        np.testing.assert_array_equal(np.load(out), model.sample(3, seed=4, labels=label, **best).numpy())
    assert not np.array_equal(np.load(out), model.sample(3, seed=4, labels=0, **best).numpy())
    refused(
        qgen("sample", tmp_path / "model", "--label", "cow", "-o", tmp_path / "out.png"),
        "Argument `labels` must be one of 'cat', 'dog', but is 'cow'.",
    )


def test_sample_refuses_files_that_it_cannot_write(qgen, model_dir, tmp_path):
    refused(
        qgen("sample", model_dir, "-o", tmp_path / "out.jpg"),
        "Option --out must name a folder, or a file that ends in .png, .gif, .npy, .npz, .csv, .parquet, "
        f"but is {tmp_path / 'out.jpg'}.",
    )
    refused(
        qgen("sample", model_dir, "-o", tmp_path / "out.npy", "--columns", 2),
        "Option --columns must be left out unless --out ends in .png or .gif.",
    )
    for option in ("--frames=9", "--training"):
        refused(
            qgen("sample", model_dir, "-o", tmp_path / "out.npy", option),
            f"Option {option.removesuffix('=9')} needs an --out that ends in .gif.",
        )
    refused(
        qgen("sample", model_dir, "-o", tmp_path / "out.gif", "--oversample", 2),
        "Option --oversample must be left out of an animation, which follows all its noise.",
    )
    refused(
        qgen("sample", model_dir, "-o", tmp_path / "out.gif", "--truncation", 2),
        "Argument `truncation` must be a number in (0, 1], but is 2.0.",
    )
    refused(
        qgen("sample", model_dir, "-o", tmp_path / "out.gif", "--training"),
        f"Folder {model_dir} must be that of a run with grids of samples in progress/ for --training, but has none.",
    )
    refused(
        qgen("sample", model_dir, "-o", model_dir),
        f"Folder {model_dir} must be empty or new to be filled with images: choose another with --out.",
    )
    (tmp_path / "file").write_text("")
    refused(
        qgen("sample", model_dir, "-o", tmp_path / "file" / "out.npy"),
        f"Argument `--out` must be a folder, but {tmp_path / 'file'} is a file.",
    )


def test_rows_of_a_table_are_sampled_to_an_array(qgen, tmp_path):
    model = StyleQGAN(image_shape=None, num_features=3, num_qubits=2, num_layers=1, critic_width=8)
    model.fit(np.random.default_rng(0).random((20, 3)), steps=2, batch_size=8, seed=0, callbacks=[])
    model.save_pretrained(tmp_path / "model")
    refused(
        qgen("sample", tmp_path / "model", "-o", tmp_path / "out.png"),
        "This model generates rows of a table, not images: name a file that ends in .csv.",
    )
    assert qgen("sample", tmp_path / "model", "-n", 7, "-o", tmp_path / "out.npy").exit_code == 0
    assert np.load(tmp_path / "out.npy").shape == (7, 3)
    assert qgen("sample", tmp_path / "model", "-n", 7, "-o", tmp_path / "out.npz").exit_code == 0
    with np.load(tmp_path / "out.npz") as arrays:
        assert arrays["rows"].shape == (7, 3)


def test_a_folder_of_images_and_an_npz_are_data_sets_again(qgen, model_dir, tmp_path):
    model = StyleQGAN.from_pretrained(model_dir)
    expected = model.sample(12, seed=3, truncation=0.5)
    given = ("sample", model_dir, "-n", 12, "--seed", 3, "--truncation", 0.5)
    assert qgen(*given, "-o", tmp_path / "images").exit_code == 0
    assert sorted(each.name for each in (tmp_path / "images").iterdir())[::11] == ["0000.png", "0011.png"]
    with Image.open(tmp_path / "images" / "0004.png") as image:
        np.testing.assert_allclose(np.asarray(image) / 255, expected[4, 0], atol=0.5 / 255 + 1e-6)
    assert len(load_dataset(str(tmp_path / "images"), test_fraction=0)) == 12
    assert qgen(*given, "-o", tmp_path / "samples.npz").exit_code == 0
    with np.load(tmp_path / "samples.npz") as arrays:
        assert arrays["seed"] == 3
    assert torch.equal(load_dataset(str(tmp_path / "samples.npz"), test_fraction=0).images, expected)


def test_an_animation_is_a_closed_way_from_the_samples_of_the_seed(qgen, tmp_path):
    model, out = hybrid("none", num_parameters=80), tmp_path / "walk.gif"
    model.save_pretrained(tmp_path / "model")
    result = qgen("sample", tmp_path / "model", "-n", 4, "--seed", 3, "--frames", 7, "-o", out)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{out}: 4 images in 7 frames, seed 3\n"
    with Image.open(out) as image:
        frames = [np.asarray(each.convert("L"), float) for each in all_frames(image)]
        assert image.info["loop"] == 0
    assert len(frames) == 7
    first = model.sample(noise=model.draw_noise(12, seed=3)[:4])
    scale = len(frames[0]) // 17
    shown = frames[0][::scale, ::scale]
    np.testing.assert_allclose(shown[:8, :8] / 255, first[0, 0], atol=0.02)
    np.testing.assert_allclose(shown[9:, 9:] / 255, first[3, 0], atol=0.02)
    assert np.abs(frames[-1] - frames[0]).mean() < np.abs(frames[3] - frames[0]).mean()
