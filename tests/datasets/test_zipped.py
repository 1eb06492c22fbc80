import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from qiskit_qgen.cli.settings import data_settings
from qiskit_qgen.datasets import load_dataset, reading
from qiskit_qgen.datasets.subsets import subset_rows
from qiskit_qgen.exceptions import ArgumentError

SEED = 8_813


def pixels(index, shape=(6, 7, 3)):
    return np.random.default_rng([SEED, index]).integers(0, 256, shape, dtype=np.uint8)


def png(index):
    buffer = io.BytesIO()
    Image.fromarray(pixels(index)).save(buffer, format="PNG")
    return buffer.getvalue()


def expected(*indices):
    return np.stack([pixels(index) for index in indices]).transpose(0, 3, 1, 2) / np.float32(255)


def pack(path, contents, kind=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in contents.items():
            archive.writestr(name, png(content) if isinstance(content, int) else content)
    return path


@pytest.mark.parametrize("top", ["", "pets/", "my pets.v1/", "/"])
def test_classes_in_splits_are_found_at_the_top_or_in_one_folder(tmp_path, top):
    names = ["train/dog/1.png", "train/cat/0.PNG", "train/dog/0.png", "test/cat/0.png", "validation/dog/5.png"]
    path = pack(tmp_path / "pets.zip", {top + name: index for index, name in enumerate(names)})
    for split, indices, labels in (("train", (1, 2, 0), [0, 1, 1]), ("test", (3,), [0]), ("val", (4,), [1])):
        data = load_dataset(path, split=split)
        assert np.array_equal(data.images.numpy(), expected(*indices))
        assert (data.labels.tolist(), data.class_names) == (labels, ("cat", "dog"))
        assert (data.name, data.split) == ("pets.zip", split)


@pytest.mark.parametrize("top", ["", "pets/"])
def test_flat_images_have_no_labels(tmp_path, top):
    path = pack(tmp_path / "pets.ZIP", {f"{top}{index}.png": index for index in (2, 0, 1)})
    data = load_dataset(str(path), test_fraction=0)
    assert np.array_equal(data.images.numpy(), expected(0, 1, 2))
    assert data.labels is None


def test_a_lone_split_is_no_enclosing_folder(tmp_path, refused):
    path = pack(tmp_path / "a.zip", {"test/0.png": 0})
    assert np.array_equal(load_dataset(path, split="test").images.numpy(), expected(0))
    assert refused(path) == f"Folder {path} has no training images; give it a sub-folder `train` beside the others."


def test_what_packers_add_is_ignored(tmp_path):
    clutter = (
        "__MACOSX/pets/cat/._0.png",
        "pets/.DS_Store",
        "pets/cat/Thumbs.db",
        "README.md",
        ".git/a.png",
        "../b.png",
    )
    contents = {"pets/": b"", "pets/cat/0.png": 0, "pets/dog/0.png": 1, **dict.fromkeys(clutter, b"clutter")}
    data = load_dataset(pack(tmp_path / "a.zip", contents))
    assert np.array_equal(data.images.numpy(), expected(0, 1))
    assert data.class_names == ("cat", "dog")


def test_a_draw_reads_no_other_images_and_nothing_is_unpacked(tmp_path):
    rows = subset_rows(12, 5, 3).tolist()
    contents = {f"{'ab'[index // 6]}/{index:02}.png": index if index in rows else b"" for index in range(12)}
    data = load_dataset(pack(tmp_path / "a.zip", contents), num_images=5, subset_seed=3, test_fraction=0)
    assert np.array_equal(data.images.numpy(), expected(*rows))
    assert data.labels.tolist() == [row // 6 for row in rows]
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.zip"]


def test_settings_convert_the_images_and_leave_out_damaged_ones(tmp_path, refused):
    path = pack(tmp_path / "a.zip", {"a/0.png": 0, "a/1.png": b"no image", "b/0.png": 2})
    message = f"File {path}/a/1.png is damaged or is not an image that Pillow reads: it begins as none of PNG, JPEG, "
    assert refused(path).startswith(message)
    table = {"name": str(path), "image_size": [4, 4], "mode": "L", "skip_damaged": True, "test_fraction": 0.0}
    data = data_settings({"data": table}).load()
    assert data.images.shape == (2, 1, 4, 4)
    assert data.labels.tolist() == [0, 1]


def test_other_files_are_refused_by_name(tmp_path, refused):
    (tmp_path / "a.zip").write_bytes(b"PK\3\4 and no more")
    assert refused(tmp_path / "a.zip").startswith(f"File {tmp_path / 'a.zip'} is damaged or is not a zip archive: ")
    empty = pack(tmp_path / "empty.zip", {"notes.txt": b"no image"})
    assert refused(empty).startswith(f"Folder {empty} holds no images; the endings that are read are .png, .jpg,")
    mixed = pack(tmp_path / "mixed.zip", {"a.png": 0, "cat/a.png": 1})
    assert refused(mixed).startswith(f"Folder {mixed} holds both images (a.png) and sub-folders (cat);")


def test_changed_bytes_are_noticed_by_their_checksum(tmp_path, refused):
    path = pack(tmp_path / "a.zip", {"0.png": 0}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 30] ^= 1
    path.write_bytes(content)
    assert f"File {path}/0.png is damaged or is not an image that Pillow reads: Bad CRC-32" in refused(path)


def test_an_image_that_unpacks_to_more_than_the_memory_is_not_unpacked(tmp_path, refused, monkeypatch):
    content = png(0) + bytes(50_000_000)
    path = pack(tmp_path / "a.zip", {"0.png": content})
    assert path.stat().st_size < 100_000
    monkeypatch.setattr(reading, "free_memory", lambda: 1e7)
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *_: pytest.fail("It was unpacked."))
    assert f"File {path}/0.png declares {len(content) // 4} values" in refused(path)


def test_options_without_effect_are_refused(tmp_path):
    path = pack(tmp_path / "a.zip", {"0.png": 0})
    for option in ({"key": "images"}, {"stream": True}):
        with pytest.raises(ArgumentError, match=f"`{next(iter(option))}` has an effect on"):
            load_dataset(path, **option)
