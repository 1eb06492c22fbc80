"""CIFAR-10's two forms, on small files of the same form that the tests write."""

import hashlib
import io
import os
import pickle
import struct
import tarfile

import numpy as np
import pytest
import torch

from qiskit_qgen.datasets import cifar, image_dataset, load_dataset
from qiskit_qgen.datasets.subsets import subset_rows
from qiskit_qgen.exceptions import DatasetError

NAMES = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}


def content(number):
    rng = np.random.default_rng(number)
    return rng.integers(0, 256, (4, 3072), np.uint8), rng.integers(0, 10, 4)


def binary(pixels, labels):
    return np.concatenate([labels[:, None].astype(np.uint8), pixels], 1).tobytes()


def python2(pixels, labels):
    """The bytes that Python 2's cPickle writes at protocol 2, opcode by opcode, as in the official files."""

    def text(value):
        return b"U" + bytes([len(value)]) + value

    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
        b"(K\x01" + b"M" + struct.pack("<H", len(pixels)) + b"M\x00\x0c\x86"
        b"cnumpy\ndtype\n"
        + text(b"u1")
        + b"K\x00K\x01\x87R(K\x03"
        + text(b"|")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xff"
        b"K\x00tb\x89T" + struct.pack("<i", pixels.size) + pixels.tobytes() + b"tb"
    )
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(" + text(b"data") + array + text(b"labels") + numbers + text(b"batch_label") + text(b"x") + b"u."


def python3(pixels, labels):
    return pickle.dumps({b"data": pixels, b"labels": [int(label) for label in labels]}, protocol=2)


FORMS = {"binary": (".bin", binary), "python2": ("", python2), "python3": ("", python3)}


def write(folder, form):
    suffix, encode = FORMS[form]
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(NAMES["train"] + NAMES["test"]):
        (folder / f"{name}{suffix}").write_bytes(encode(*content(number)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("inner", ["", "cifar-10-batches-bin", "cifar-10-batches-py"])
def test_both_forms_give_the_images_in_order(tmp_path, form, inner):
    write(tmp_path / inner, form)
    train, test = (load_dataset("cifar-10", split=split, data_dir=tmp_path) for split in ("train", "test"))
    assert train.images.shape == (20, 3, 32, 32)
    assert test.images.shape == (4, 3, 32, 32)
    pixels, labels = content(1)
    expected = torch.from_numpy(pixels.reshape(4, 3, 32, 32)).float() / 255
    assert torch.equal(train.images[4:8], expected)
    assert train.labels[4:8].tolist() == labels.tolist()
    assert test.class_names[3] == "cat"


@pytest.mark.parametrize("form", FORMS)
def test_only_what_is_drawn_becomes_numbers(tmp_path, form, monkeypatch):
    write(tmp_path, form)
    whole, rows = load_dataset("cifar-10", data_dir=tmp_path), subset_rows(20, 6, 1)
    converted = []
    convert = image_dataset.convert_images
    monkeypatch.setattr(image_dataset, "convert_images", lambda *a: converted.append(len(a[0])) or convert(*a))
    drawn = load_dataset("cifar-10", data_dir=tmp_path, num_images=6, subset_seed=1)
    assert converted == [6]
    assert torch.equal(drawn.images, whole.images[rows])
    assert torch.equal(drawn.labels, whole.labels[rows])


def test_the_bytes_of_python_2_are_those_that_pickle_reads():
    pixels, labels = content(0)
    found = pickle.loads(python2(pixels, labels), encoding="bytes")  # noqa: S301
    assert np.array_equal(found[b"data"], pixels)
    assert found[b"labels"] == labels.tolist()


class Harmful:
    def __reduce__(self):
        return os.system, ("touch harmed",)


@pytest.mark.parametrize(
    ("harmful", "message"),
    [
        (lambda: pickle.dumps(Harmful(), 2), "it names .*system, which CIFAR-10 does not need"),
        (lambda: pickle.dumps({b"data": np.array([Harmful()], object), b"labels": [1]}, 2), "damaged or is not"),
        (lambda: pickle.dumps({b"data": np.zeros((1, 3072)), b"labels": [1]}, 2), "array is of type"),
        (lambda: pickle.dumps({b"data": np.zeros((1, 9), np.uint8), b"labels": [1]}, 2), r"bytes of shape \(N, 3072\)"),
        (
            lambda: pickle.dumps({b"data": np.zeros((2, 3072), np.uint8), b"labels": [1]}, 2),
            "`labels` are not 2 integers",
        ),
        (lambda: pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"labels": [10]}, 2), "not from 0 to 9"),
        (lambda: pickle.dumps([1, 2], 2), "holds no `data` and `labels`"),
        (lambda: python3(*content(0))[:500], "damaged or is not"),
        (lambda: b"", "damaged or is not"),
        (lambda: b"cbuiltins\neval\n(S'1'\ntR.", "it names builtins.eval"),
    ],
)
def test_nothing_in_a_pickled_file_is_executed(tmp_path, monkeypatch, harmful, message):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "python2")
    (tmp_path / "test_batch").write_bytes(harmful())
    with pytest.raises(DatasetError, match=message):
        load_dataset("cifar-10", split="test", data_dir=tmp_path)
    assert not (tmp_path / "harmed").exists()


def test_damaged_binary_files_are_refused(tmp_path):
    write(tmp_path, "binary")
    path = tmp_path / "test_batch.bin"
    for broken, message in [
        (path.read_bytes()[:-1], "no multiple of 3073"),
        (b"", "no multiple of 3073"),
        (b"\x0a" + path.read_bytes()[1:], "labels are not from 0 to 9"),
    ]:
        path.write_bytes(broken)
        with pytest.raises(DatasetError, match=message):
            load_dataset("cifar-10", split="test", data_dir=tmp_path)
    path.unlink()
    with pytest.raises(DatasetError, match="must hold CIFAR-10's files, but lacks some of test_batch"):
        load_dataset("cifar-10", split="test", data_dir=tmp_path)


def archive(path):
    with tarfile.open(path, "w:gz") as tar:
        for number, name in enumerate(NAMES["train"] + NAMES["test"]):
            data = binary(*content(number))
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_the_archive_is_downloaded_checked_and_kept(tmp_path, monkeypatch, cache, server, refused):
    archive(tmp_path / "mirror.tar.gz")
    content = (tmp_path / "mirror.tar.gz").read_bytes()
    server.files = {"cifar-10-binary.tar.gz": content}
    assert f"CIFAR-10 could not be downloaded from {server.url}" in refused("cifar-10", split="test")
    assert list(cache.iterdir()) == []
    monkeypatch.setattr(cifar, "_ARCHIVE_MD5", hashlib.md5(content, usedforsecurity=False).hexdigest())
    first = load_dataset("cifar-10", split="test")
    server.files = {}
    assert torch.equal(load_dataset("cifar-10", split="test").images, first.images)
    assert first.images.shape == (4, 3, 32, 32)
