import io
import os
import pickle
import re
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch

from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.datasets.subsets import subset_rows
from qiskit_qgen.exceptions import ArgumentError, DatasetError

SEED = 9_102
IMAGES = np.random.default_rng(SEED).integers(0, 256, (6, 8, 8), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 0, 1, 2])
OTHER = 255 - IMAGES[:2]


def expected(images):
    return images[:, None].astype(np.float32) / np.float32(255)


class Harmful:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    "names",
    [("images", "labels"), ("train_images", "train_labels"), ("x_train", "y_train")],
    ids=lambda names: names[0],
)
@pytest.mark.parametrize("kind", [".npz", ".pt", "compressed"])
def test_images_and_labels_by_name(tmp_path, names, kind):
    path = tmp_path / f"mine{'.npz' if kind == 'compressed' else kind}"
    content = dict(zip(names, (IMAGES, LABELS), strict=True))
    if kind == ".pt":
        torch.save({name: torch.from_numpy(value) for name, value in content.items()}, path)
    else:
        (np.savez if kind == ".npz" else np.savez_compressed)(path, **content, comment=np.array("ignored"))
    dataset = load_dataset(path)
    assert np.array_equal(dataset.images.numpy(), expected(IMAGES))
    assert dataset.labels.tolist() == LABELS.tolist()
    assert (dataset.name, dataset.split, dataset.class_names) == (path.name, "train", None)


@pytest.mark.parametrize("prefix", ["{}_images", "x_{}"])
def test_splits_by_name(tmp_path, prefix):
    path = tmp_path / "mine.npz"
    np.savez(path, **{prefix.format("train"): IMAGES, prefix.format("test"): OTHER})
    assert np.array_equal(load_dataset(path).images.numpy(), expected(IMAGES))
    test = load_dataset(path, split="test")
    assert np.array_equal(test.images.numpy(), expected(OTHER))
    assert test.labels is None
    assert test.split == "test"


def test_labels_of_medmnist_are_taken(tmp_path):
    # Its files hold labels of shape (N, 1) and a third split.
    arrays = {f"{part}_images": IMAGES for part in ("train", "val", "test")}
    arrays |= {f"{part}_labels": LABELS[:, None].astype(np.uint8) for part in ("train", "val", "test")}
    np.savez(tmp_path / "pathmnist.npz", **arrays)
    assert load_dataset(tmp_path / "pathmnist.npz", split="test").labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u1", ">f4", "f8"])
def test_npy(tmp_path, order, dtype):
    images = IMAGES if dtype == "u1" else (IMAGES / 255).astype(dtype)
    np.save(tmp_path / "mine.npy", np.asarray(images, order=order))
    dataset = load_dataset(str(tmp_path / "mine.npy"))
    assert np.allclose(dataset.images.numpy(), expected(IMAGES), rtol=0, atol=6e-8)
    assert dataset.labels is None


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".PT"])
def test_a_tensor_file(tmp_path, suffix):
    torch.save(torch.from_numpy(IMAGES), tmp_path / f"mine{suffix}")
    assert np.array_equal(load_dataset(tmp_path / f"mine{suffix}").images.numpy(), expected(IMAGES))


def refused(path, **options):
    with pytest.raises(DatasetError) as caught:
        load_dataset(path, **options)
    message = str(caught.value)
    assert re.fullmatch(r"(File|Data set) [^\n]*\.", message)
    assert path.name in message
    return message


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".pt"])
def test_without_test_images_a_tenth_is_held_out(tmp_path, suffix):
    images = np.arange(40 * 16, dtype=np.float32).reshape(40, 4, 4) / 640
    path = tmp_path / f"mine{suffix}"
    if suffix == ".npy":
        np.save(path, images)
    elif suffix == ".npz":
        np.savez(path, images=images)
    else:
        torch.save(torch.from_numpy(images), path)
    train, test = load_dataset(path).images, load_dataset(path, split="test").images
    assert (len(train), len(test)) == (36, 4)
    both = torch.cat([train, test])[:, 0]
    assert torch.equal(both[both[:, 0, 0].argsort()], torch.from_numpy(images))
    assert load_dataset(path, test_fraction=0).images.shape == (40, 1, 4, 4)
    assert torch.equal(load_dataset(path, num_images=5).images, train[subset_rows(36, 5, 0)])
    np.save(tmp_path / "few.npy", images[:10])
    assert load_dataset(tmp_path / "few.npy").images.shape == (10, 1, 4, 4)
    assert refused(tmp_path / "few.npy", split="test").endswith(
        "has no test images, and 0.1 of its 10 images are too few to be held out: add test images, or give a larger "
        "`test_fraction`."
    )


def test_labels_are_held_out_with_their_images(tmp_path):
    labels = np.arange(30)
    np.savez(tmp_path / "a.npz", images=np.repeat(labels / 32, 16).reshape(30, 4, 4), labels=labels)
    for split in ("train", "test"):
        data = load_dataset(tmp_path / "a.npz", split=split)
        assert torch.equal(data.images[:, 0, 0, 0] * 32, data.labels.float())


def test_an_array_of_four_channels_is_taken_by_its_name(tmp_path):
    scene, patches = np.zeros((35, 34, 4), np.uint8), np.random.default_rng(0).integers(0, 256, (20, 6, 6, 4), np.uint8)
    np.savez_compressed(tmp_path / "landsat.npz", scene=scene, patches=patches)
    data = load_dataset(tmp_path / "landsat.npz", key="patches", test_fraction=0)
    assert np.array_equal(data.images.numpy(), patches.transpose(0, 3, 1, 2) / np.float32(255))
    assert data.labels is None


def test_other_names_are_listed(tmp_path):
    np.savez(tmp_path / "mine.npz", photos=IMAGES, classes=LABELS)
    assert refused(tmp_path / "mine.npz").endswith(
        "must hold `images` or `train_images`, but holds `photos`, `classes`: name the array by `key`."
    )
    torch.save({}, tmp_path / "mine.pt")
    assert refused(tmp_path / "mine.pt").endswith("must hold `images` or `train_images`, but holds nothing.")
    torch.save([torch.from_numpy(IMAGES)], tmp_path / "list.pt")
    assert refused(tmp_path / "list.pt").endswith("must hold a tensor or a dict of tensors, but holds a list.")
    torch.save({"images": [1.0]}, tmp_path / "values.pt")
    assert refused(tmp_path / "values.pt").endswith("`images` must be a tensor, but is a list.")


def test_wrong_content_is_named_with_its_file(tmp_path):
    np.save(tmp_path / "mine.npy", np.full((3, 8, 8), np.nan))
    assert refused(tmp_path / "mine.npy") == (
        "Data set 'mine.npy': `images` must hold finite numbers, but 192 of its 192 are NaN or infinite."
    )
    np.save(tmp_path / "empty.npy", IMAGES[:0])
    assert "must hold at least one image, but has shape (0, 8, 8)" in refused(tmp_path / "empty.npy")
    np.savez(tmp_path / "mine.npz", images=IMAGES, labels=LABELS[:-1])
    assert "must have shape (6,), one for each image, but have shape (5,)" in refused(tmp_path / "mine.npz")


def test_pickles_are_not_run(tmp_path):
    mark = tmp_path / "harm"
    harmful = np.empty(1, dtype=object)
    harmful[0] = Harmful(mark)
    np.save(tmp_path / "array.npy", harmful)
    assert "holds Python objects, which only pickle could read; store plain numbers." in refused(tmp_path / "array.npy")
    np.savez(tmp_path / "array.npz", images=harmful)
    assert "holds Python objects" in refused(tmp_path / "array.npz")
    torch.save({"images": Harmful(mark)}, tmp_path / "tensor.pt")
    assert refused(tmp_path / "tensor.pt") == (
        f"File {tmp_path / 'tensor.pt'} is damaged or holds more than tensors, which only pickle could read: save a "
        "tensor, or a dict of tensors, with torch.save."
    )
    torch.save({"images": Harmful(mark)}, tmp_path / "legacy.pt", _use_new_zipfile_serialization=False)
    refused(tmp_path / "legacy.pt")
    for suffix in (".npy", ".npz", ".pt"):
        (tmp_path / f"plain{suffix}").write_bytes(pickle.dumps(Harmful(mark)))
        assert "torch.load" not in refused(tmp_path / f"plain{suffix}")
    assert not mark.exists()
    # The files are harmful indeed.
    np.load(tmp_path / "array.npy", allow_pickle=True)
    assert mark.exists()


def npy_bytes(shape, content, descr="|u1", version=b"\x01\x00"):
    header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H", len(header)) + header + content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is damaged or is not an .npy file"),
        (b"GIF89a", "is damaged or is not an .npy file"),
        (
            npy_bytes((6, 8, 8), IMAGES.tobytes()[:-5]),
            "declares an array of shape (6, 8, 8) with 384 bytes, but holds 379.",
        ),
        (npy_bytes((6, 8, 8), IMAGES.tobytes() + b"\0"), "with 384 bytes, but holds 385."),
        (npy_bytes((10**12, 28, 28), b""), "declares an array of shape (1000000000000, 28, 28) with"),
        (npy_bytes((-1, -1, 64), b"\0" * 64), "declares an array of shape (-1, -1, 64)"),
        (npy_bytes((1.5, 2), b""), "is damaged or is not an .npy file"),
        (npy_bytes((6, 8, 8), b"", descr="O"), "holds Python objects"),
        (npy_bytes((6, 8, 8), b"", version=b"\x09\x00"), "holds an array of format version (9, 0), which"),
        (npy_bytes((6, 8, 8), b"", version=b"\x03\x00"), "holds an array of format version (3, 0)"),
        (b"\x93NUMPY\x01\x00\xff\xff" + b"[" * 65535, "is damaged or is not an .npy file"),
    ],
    ids=range(11),
)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_damaged_and_hostile_arrays(tmp_path, content, message, suffix):
    path = tmp_path / f"mine{suffix}"
    if suffix == ".npy":
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("images.npy", content)
    assert message.replace("an .npy", f"an {suffix}") in refused(path)


def test_an_array_beyond_the_memory_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "sparse.npy"
    with path.open("wb") as file:
        file.write(npy_bytes((2**38, 4, 4), b""))
        file.truncate(file.tell() + 2**42)
    assert "GB as float32, but this machine has" in refused(path)


def test_a_stored_view_beyond_the_memory_is_refused(tmp_path):
    torch.save(torch.zeros(1, dtype=torch.uint8).expand(2**38, 4, 4), tmp_path / "view.pt")
    assert (tmp_path / "view.pt").stat().st_size < 10_000
    assert "GB as float32, but this machine has" in refused(tmp_path / "view.pt")


def test_a_zip_member_that_lies_about_its_size(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", npy_bytes((2**32 - 256, 1), b"\0" * 1000))
    content = buffer.getvalue()
    # The uncompressed size in the central directory, 24 bytes after its signature.
    place = content.index(b"PK\x01\x02") + 24
    path = tmp_path / "liar.npz"
    path.write_bytes(content[:place] + struct.pack("<I", 2**32 - 256 + 128) + content[place + 4 :])
    refused(path)


def files_of_every_kind(folder):
    np.save(folder / "mine.npy", IMAGES)
    np.savez_compressed(folder / "mine.npz", images=IMAGES, labels=LABELS)
    torch.save({"images": torch.from_numpy(IMAGES), "labels": torch.from_numpy(LABELS)}, folder / "mine.pt")
    torch.save(torch.from_numpy(IMAGES), folder / "old.pt", _use_new_zipfile_serialization=False)


@pytest.mark.parametrize("name", ["mine.npy", "mine.npz", "mine.pt", "old.pt"])
def test_truncated_files_are_refused_and_changed_ones_raise_nothing_else(tmp_path, name):
    files_of_every_kind(tmp_path)
    path = tmp_path / name
    content = path.read_bytes()
    for length in np.linspace(0, len(content) - 1, 40, dtype=int):
        path.write_bytes(content[:length])
        refused(path)
    generator = np.random.default_rng(SEED)
    for _ in range(250):
        changed = bytearray(content)
        changed[generator.integers(len(content))] = generator.integers(256)
        path.write_bytes(changed)
        try:
            load_dataset(path)
        except DatasetError as error:
            assert "\n" not in str(error)  # noqa: PT017


@pytest.mark.parametrize("names", [("val_images", "val_labels"), ("x_val", "y_val")])
def test_validation_images_have_names_of_their_own(tmp_path, names):
    path = tmp_path / "photos.npz"
    train, val = np.zeros((3, 8, 8), np.uint8), np.full((2, 8, 8), 255, np.uint8)
    np.savez(path, train_images=train, **dict(zip(names, (val, np.array([1, 0])), strict=True)))
    data = load_dataset(path, split="val")
    assert (data.split, data.labels.tolist(), float(data.images.min())) == ("val", [1, 0], 1.0)
    np.savez(path, train_images=train)
    with pytest.raises(DatasetError, match="has no validation images; ask for split='train', or store them as `val_"):
        load_dataset(path, split="val")


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("kind", ["npy", "npz", "compressed.npz", "pt", "old.pt"])
def test_a_draw_reads_the_same_images_as_indexing_does(tmp_path, kind, order):
    path = tmp_path / f"mine.{kind}"
    images, labels = np.asarray(IMAGES / 255, order=order), LABELS
    if kind == "npy":
        np.save(path, images)
    elif kind.endswith("npz"):
        (np.savez_compressed if "compressed" in kind else np.savez)(path, labels=labels, images=images)
    else:
        content = {"labels": torch.from_numpy(labels), "images": torch.from_numpy(images)}
        torch.save(content, path, _use_new_zipfile_serialization=kind == "pt")
    rows = subset_rows(6, 3, 7)
    drawn = load_dataset(path, num_images=3, subset_seed=7)
    assert np.array_equal(drawn.images.numpy(), images[rows, None].astype(np.float32))
    assert drawn.labels is None if kind == "npy" else drawn.labels.tolist() == labels[rows].tolist()
    with pytest.raises(ArgumentError, match="`num_images` must be an integer from 1 to 6, but is 7"):
        load_dataset(path, num_images=7)
    with pytest.raises(ArgumentError, match="`subset_seed` has no effect without `num_images`"):
        load_dataset(path, subset_seed=7)
    if kind == "npz":
        np.savez(path, images=images, labels=labels[:4])
        assert "must hold 6 labels, one for each sample, but holds 4." in refused(path, num_images=3)


def test_a_few_images_of_a_small_file_that_unpacks_to_gigabytes(tmp_path):
    path, count = tmp_path / "mine.npz", 2**19
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("images.npy", "w") as file:
        file.write(npy_bytes((count, 16, 16), b""))
        for _ in range(32):
            file.write(bytes(count * 8))
    assert path.stat().st_size < 2**20
    tracemalloc.start()
    data = load_dataset(path, num_images=2)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert data.images.shape == (2, 1, 16, 16)
    assert peak < 2**26


def test_compressed_records_of_tensors_are_refused(tmp_path):
    torch.save(torch.zeros(2**22, 2, 2, dtype=torch.uint8), tmp_path / "good.pt")
    bad = tmp_path / "bad.pt"
    with zipfile.ZipFile(tmp_path / "good.pt") as good, zipfile.ZipFile(bad, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in good.infolist():
            archive.writestr(member.filename, good.read(member))
    assert refused(bad) == f"File {bad} holds compressed records, which torch.save never writes."


NESTED = b"\x80\x02}(K\x00" + b"\x85" * 200_000 + b"K\x01u."
"""A dictionary with the key ((...(0,)...),), whose hash overflows the stack."""


@pytest.mark.parametrize("content", [NESTED, b"\x80\x02}r\xff\xff\xff\x0f.", b"\x80\x04\x8e" + b"\xff" * 7 + b"\x0f."])
def test_pickles_that_overflow_stack_or_memory(tmp_path, content):
    torch.save(torch.zeros(2, 2, 2), tmp_path / "good.pt")
    with zipfile.ZipFile(tmp_path / "good.pt") as good, zipfile.ZipFile(tmp_path / "bad.pt", "w") as archive:
        for member in good.infolist():
            archive.writestr(member.filename, content if member.filename.endswith("pkl") else good.read(member))
    assert "is damaged or holds more than tensors" in refused(tmp_path / "bad.pt")
    (tmp_path / "old.pt").write_bytes(content)
    assert "is damaged or holds more than tensors" in refused(tmp_path / "old.pt")
    for number in range(1, 6):
        (tmp_path / f"data_batch_{number}").write_bytes(content)
    with pytest.raises(DatasetError, match="is damaged or is not a part of CIFAR-10"):
        load_dataset("cifar-10", data_dir=tmp_path)
