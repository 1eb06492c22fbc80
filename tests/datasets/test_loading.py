import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, DatasetError


@pytest.mark.parametrize("kind", ["tensor", "array"])
def test_what_is_in_memory_is_taken(kind):
    data = np.linspace(0, 1, 128, dtype=np.float32).reshape(2, 8, 8)
    dataset = load_dataset(torch.from_numpy(data) if kind == "tensor" else data)
    assert np.array_equal(dataset.images[:, 0].numpy(), data)
    assert (dataset.name, dataset.split, dataset.labels, dataset.class_names) == (kind, "train", None, None)
    for split in ("val", "test"):
        message = rf"^A tensor or array has no images of the split '{split}'; ask for split='train'\.$"
        with pytest.raises(DatasetError, match=message):
            load_dataset(data, split=split)


def test_faults_of_what_is_in_memory_are_named():
    with pytest.raises(
        DatasetError, match=r"^Argument `name` must hold numbers from 0 to 1, but they reach from 3 to 3; "
    ):
        load_dataset(np.full((2, 8, 8), 3.0))


def test_unknown_names_list_the_known_ones():
    message = (
        r"^Argument `name` must be one of 'digits', 'fashion-mnist-mini', 'mnist', 'fashion-mnist', 'cifar-10', "
        r"'sat-4', 'pathmnist', .*, or the path of a folder or file of images, but is 'cats', and there is "
        r"no such file or folder\.$"
    )
    with pytest.raises(ArgumentError, match=message):
        load_dataset("cats")
    with pytest.raises(ArgumentError, match=r"a folder or file, but is 'fashon-mnist': did you mean 'fashion-mnist'\?"):
        load_dataset("fashon-mnist")
    with pytest.raises(ArgumentError, match="but is 'digits', and there is no such file or folder"):
        load_dataset(Path("digits"))


def test_a_known_name_wins_over_a_path_of_that_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert len(load_dataset("digits", split="test")) == 355
    for path in ("./digits", Path("digits")):
        with pytest.raises(DatasetError, match="holds no images"):
            load_dataset(path)


def test_files_of_other_types_are_refused(tmp_path):
    path = tmp_path / "cat.png"
    path.write_bytes(b"")
    with pytest.raises(
        DatasetError, match=r"cat\.png must be of one of the types \.npz, \.npy, \.pt, \.pth, \.zip; for images pass"
    ):
        load_dataset(path)


@pytest.mark.parametrize("split", ["validation", "Train", "", None, 1])
def test_other_splits_are_refused(split):
    with pytest.raises(ArgumentError, match=r"^Argument `split` must be one of 'train', 'val', 'test', but is "):
        load_dataset("digits", split=split)


@pytest.mark.parametrize("name", ["digits", "fashion-mnist-mini", "mnist", "fashion-mnist", "cifar-10", "sat-4"])
def test_sets_without_validation_images_say_so(name):
    with pytest.raises(DatasetError, match=rf"^Data set '{name}' has no validation images; ask for split='train' or"):
        load_dataset(name, split="val")


@pytest.mark.parametrize("name", ["digits", "fashion-mnist-mini", ".", torch.zeros(2, 8, 8)])
def test_a_folder_that_would_have_no_effect_is_refused(tmp_path, name):
    rule = (
        r"^Argument `data_dir` must be None unless `name` is 'mnist', 'fashion-mnist', 'cifar-10', 'sat-4' or a set of "
        r"MedMNIST\.$"
    )
    with pytest.raises(ArgumentError, match=rule):
        load_dataset(name, data_dir=tmp_path)


def test_a_draw_depends_on_its_seed_alone_and_begins_a_larger_one():
    whole = load_dataset("digits")
    few, many, other = (
        load_dataset("digits", num_images=count, subset_seed=seed) for count, seed in ((20, 5), (50, 5), (20, 6))
    )
    assert (len(few), few.name, few.class_names) == (20, "digits", whole.class_names)
    assert torch.equal(many.images[:20], few.images)
    assert torch.equal(many.labels[:20], few.labels)
    assert not torch.equal(other.images, few.images)
    everything = load_dataset("digits", num_images=len(whole))
    pairs = [{(*image.flatten().tolist(), int(label)) for image, label in zip(data.images, data.labels, strict=True)}
             for data in (whole, everything)]  # fmt: skip
    assert pairs[0] == pairs[1]
    assert load_dataset(whole.images, num_images=3).labels is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_images": 0}, "`num_images` must be"),
        ({"num_images": 1443}, "`num_images` must be"),
        ({"num_images": 3, "subset_seed": -1}, "`subset_seed` must be"),
        ({"subset_seed": 1}, "`subset_seed` has no effect without `num_images`: leave it out"),
    ],
)
def test_draws_out_of_range_are_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        load_dataset("digits", **options)


@pytest.mark.parametrize("name", [None, 3, [0.5], b"digits"])
def test_other_types_are_refused(name):
    kinds = "a name, a path, a tensor, a numpy array or a data set of torch or Hugging Face"
    with pytest.raises(ArgumentTypeError, match=f"^Argument `name` must be {kinds}, but is"):
        load_dataset(name)
    with pytest.raises(ArgumentTypeError, match=r"^Argument `data_dir` must be a path or None, but is of type int"):
        load_dataset("fashion-mnist", data_dir=3)


def test_heavy_libraries_are_imported_when_they_are_needed():
    code = (
        "import sys, torch, qiskit_machine_learning.exceptions\n"
        "before = set(sys.modules); import qiskit_qgen.datasets; "
        "new = set(sys.modules) - before; "
        "sys.exit(sorted({'sklearn', 'scipy', 'PIL', 'pooch', 'requests', 'matplotlib'} & new) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_tilde_is_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    np.save(tmp_path / "mine.npy", np.zeros((2, 8, 8)))
    assert load_dataset("~/mine.npy").images.shape == (2, 1, 8, 8)
    assert load_dataset(Path("~/mine.npy"), num_images=1).images.shape == (1, 1, 8, 8)
    with pytest.raises(DatasetError, match=f"Folder {tmp_path} must hold MNIST's files"):
        load_dataset("mnist", data_dir="~")
