"""MedMNIST by name, on small files of the same form, from folders and over HTTP from a server on this machine."""

import hashlib

import numpy as np
import pytest
import torch

from qiskit_qgen.datasets import load_dataset, medmnist
from qiskit_qgen.exceptions import ArgumentError

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

SPLITS = {"train": 6, "val": 3, "test": 4}


def arrays(size=28, channels=3, classes=9, labels_a_image=1):
    rng = np.random.default_rng(size + channels)
    shape = (size, size) if channels == 1 else (size, size, channels)
    content = {}
    for split, count in SPLITS.items():
        content[f"{split}_images"] = rng.integers(0, 256, (count, *shape), np.uint8)
        content[f"{split}_labels"] = rng.integers(0, classes, (count, labels_a_image), np.uint8)
    return content


@pytest.mark.parametrize(
    ("name", "file", "size", "channels", "classes"),
    [
        ("pathmnist", "pathmnist.npz", 28, 3, 9),
        ("bloodmnist-64", "bloodmnist_64.npz", 64, 3, 8),
        ("organamnist-128", "organamnist_128.npz", 128, 1, 11),
        ("breastmnist-224", "breastmnist_224.npz", 224, 1, 2),
    ],
)
def test_sets_load_by_name_and_size_in_all_their_splits(tmp_path, name, file, size, channels, classes):
    content = arrays(size, channels, classes)
    np.savez_compressed(tmp_path / file, **content)
    for split, count in SPLITS.items():
        data = load_dataset(name, split=split, data_dir=tmp_path)
        assert data.images.shape == (count, channels, size, size)
        pixels = content[f"{split}_images"].reshape(count, size, size, channels).transpose(0, 3, 1, 2)
        assert torch.equal(data.images, torch.from_numpy(pixels.astype(np.float32)) / 255)
        assert data.labels.tolist() == content[f"{split}_labels"][:, 0].tolist()
        assert (data.name, data.split, len(data.class_names)) == (name, split, classes)


def test_the_table_of_sets_is_complete():
    entries = medmnist._ENTRIES
    assert {"pathmnist", "chestmnist", "organsmnist"} < set(medmnist.MEDMNIST_NAMES) == set(entries)
    assert entries["pathmnist"]["classes"][8] == "colorectal adenocarcinoma epithelium"
    assert [len(entry["classes"] or []) for entry in entries.values()] == [9, 0, 7, 4, 2, 5, 2, 8, 8, 11, 11, 11]
    sums = [found for entry in entries.values() for found in entry["md5"].values()]
    assert len(set(sums)) == 12 * 4
    assert all(len(found) == 32 for found in sums)


def test_several_labels_a_image_are_left_out(tmp_path):
    np.savez(tmp_path / "chestmnist.npz", **arrays(channels=1, classes=2, labels_a_image=14))
    data = load_dataset("chestmnist", data_dir=tmp_path)
    assert data.images.shape == (6, 1, 28, 28)
    assert (data.labels, data.class_names) == (None, None)


def test_the_folder_of_the_package_is_looked_into_first(cache, tmp_path):
    home = tmp_path / "home" / ".medmnist"
    home.mkdir(parents=True)
    np.savez(home / "pathmnist.npz", **arrays())
    assert len(load_dataset("pathmnist")) == 6
    assert not cache.exists()


def test_a_file_is_downloaded_checked_and_kept(cache, server, tmp_path, monkeypatch, refused):
    np.savez(tmp_path / "small.npz", **arrays())
    content = (tmp_path / "small.npz").read_bytes()
    server.files = {"pathmnist.npz": content}
    message = refused("pathmnist")
    assert message.startswith(f"MedMNIST's pathmnist could not be downloaded from {server.url}/pathmnist.npz")
    assert "MD5 hash of" in message
    assert "pass a folder with the file pathmnist.npz as `data_dir`" in message
    assert list(cache.iterdir()) == []
    right = {"28": hashlib.md5(content, usedforsecurity=False).hexdigest()}
    monkeypatch.setitem(medmnist._ENTRIES, "pathmnist", {**medmnist._ENTRIES["pathmnist"], "md5": right})
    assert len(load_dataset("pathmnist", split="test")) == 4
    server.files = {}
    assert len(load_dataset("pathmnist", split="test")) == 4


def test_other_sizes_and_missing_files_are_refused(tmp_path, refused):
    for name in ("pathmnist-32", "pathmnist-", "pathmnist-064"):
        with pytest.raises(ArgumentError, match=r"must be 'pathmnist' \(28 x 28\), 'pathmnist-64', 'pathmnist-128', "):
            load_dataset(name, data_dir=tmp_path)
    assert "must hold MedMNIST's file pathmnist_64.npz, but does not" in refused("pathmnist-64", data_dir=tmp_path)


def test_hostile_and_foreign_files_are_refused(tmp_path, refused):
    path = tmp_path / "pathmnist.npz"
    np.savez(path, **arrays())
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "pathmnist.npz is damaged or is not an .npz file" in refused("pathmnist", data_dir=tmp_path)
    np.savez(path, train_images=np.array([{"harm": 1}], object))
    assert "holds Python objects, which only pickle could read" in refused("pathmnist", data_dir=tmp_path)
    np.savez(path, **arrays(size=64))
    assert "must hold images of shape (3, 28, 28), but holds (3, 64, 64)" in refused("pathmnist", data_dir=tmp_path)
    np.savez(path, **{**arrays(), "train_labels": np.full((6, 1), 9, np.uint8)})
    assert "`labels` must be less than 9" in refused("pathmnist", data_dir=tmp_path)
    np.savez(path, train_images=arrays()["train_images"])
    assert "has no validation images" in refused("pathmnist", split="val", data_dir=tmp_path)


def test_only_the_split_that_is_asked_for_is_read(tmp_path):
    np.savez(tmp_path / "pathmnist.npz", **{**arrays(), "test_images": np.array([{"never": "read"}], object)})
    assert len(load_dataset("pathmnist", data_dir=tmp_path)) == 6
