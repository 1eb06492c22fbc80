"""MNIST and Fashion-MNIST, from folders and over HTTP from a server on this machine."""

import gzip
import hashlib
import re
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qiskit_qgen.datasets import image_dataset, load_dataset, loading
from qiskit_qgen.datasets.idx_collections import FASHION_MNIST, FILES, MNIST
from qiskit_qgen.datasets.subsets import subset_rows

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

SEED = 6_604
IMAGES, LABELS = FILES["test"]
COLLECTIONS = {"mnist": MNIST, "fashion-mnist": FASHION_MNIST}
TITLES = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
needs_complete_set = pytest.mark.skipif(
    not FASHION_MNIST.installed.is_dir(), reason="needs Debian's package dataset-fashion-mnist"
)


def official(name):
    """Return an official file: Debian's has the same values, but lacks the name and the date in gzip's header."""
    packed = (FASHION_MNIST.installed / name).read_bytes()
    date = 1_504_176_606 if name.startswith("train") else 1_504_176_627
    return (
        b"\x1f\x8b\x08\x08" + struct.pack("<IBB", date, 0, 3) + name.removesuffix(".gz").encode() + b"\0" + packed[10:]
    )


@pytest.fixture(params=COLLECTIONS)
def name(request):
    return request.param


@pytest.fixture
def not_installed(monkeypatch, tmp_path):
    """Stand in for a machine without Debian's package."""
    elsewhere = replace(FASHION_MNIST, installed=tmp_path / "not installed")
    monkeypatch.setitem(loading._IN_FILES, "fashion-mnist", elsewhere.load)


@pytest.fixture
def small(monkeypatch, name):
    """Let ten random images of four classes be the official test files; return the content of both files."""
    generator = np.random.default_rng(SEED)
    arrays = {
        IMAGES: generator.integers(0, 256, (10, 28, 28), np.uint8),
        LABELS: generator.integers(0, 4, 10, np.uint8),
    }
    packed = {}
    for file, array in arrays.items():
        content = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
        packed[file] = gzip.compress(content)
        monkeypatch.setitem(COLLECTIONS[name].packed, file, hashlib.sha256(packed[file]).hexdigest())
        monkeypatch.setitem(COLLECTIONS[name].unpacked, file, hashlib.sha256(content).hexdigest())
    return packed


def values(packed):
    return np.frombuffer(gzip.decompress(packed)[16:], np.uint8).reshape(-1, 1, 28, 28).astype(np.float32) / 255


@pytest.mark.usefixtures("not_installed")
class TestDownload:
    def test_it_is_kept_and_shows_its_progress(self, name, cache, server, small, capfd):
        server.files = small
        dataset = load_dataset(name, split="test")
        assert np.array_equal(dataset.images.numpy(), values(small[IMAGES]))
        assert dataset.labels.tolist() == list(gzip.decompress(small[LABELS])[8:])
        assert (dataset.name, dataset.split, len(dataset.class_names)) == (name, "test", 10)
        assert server.requests == [IMAGES, LABELS]
        assert "100%" in capfd.readouterr().err
        # Relatives have files of the same names, which must not meet in the cache.
        assert sorted(file.name for file in cache.iterdir()) == sorted(f"{name}-{file}" for file in small)
        load_dataset(name, split="test")
        assert len(server.requests) == 2

    def test_only_what_is_drawn_becomes_numbers(self, name, server, small, monkeypatch):
        server.files = small
        whole, rows = load_dataset(name, split="test"), subset_rows(10, 4, 2)
        converted = []
        convert = image_dataset.convert_images
        monkeypatch.setattr(image_dataset, "convert_images", lambda *a: converted.append(len(a[0])) or convert(*a))
        drawn = load_dataset(name, split="test", num_images=4, subset_seed=2)
        assert converted == [4]
        assert np.array_equal(drawn.images, whole.images[rows])
        assert np.array_equal(drawn.labels, whole.labels[rows])

    def test_a_damaged_file_in_the_cache_is_downloaded_anew(self, name, cache, server, small):
        server.files = small
        load_dataset(name, split="test")
        (cache / f"{name}-{LABELS}").write_bytes(small[LABELS][:-3])
        load_dataset(name, split="test")
        assert server.requests == [IMAGES, LABELS, LABELS]

    def test_a_wrong_checksum_is_refused_and_not_kept(self, name, cache, server, small, refused):
        server.files = {**small, IMAGES: small[IMAGES][:-1] + b"\1"}
        message = refused(name, split="test")
        assert message.startswith(
            f"{TITLES[name]}'s file {IMAGES} could not be downloaded from {server.url}/{IMAGES} (SHA256 hash of"
        )
        assert message.endswith(
            "; try again later, or pass a folder with the four files as `data_dir`, or name a mirror in the "
            f"environment variable {COLLECTIONS[name].url_variable}."
        )
        assert list(cache.iterdir()) == []
        server.files = small
        assert len(load_dataset(name, split="test")) == 10

    def test_a_dropped_connection_is_refused_and_not_kept(self, name, cache, server, small, refused):
        server.files, server.drop = small, True
        assert "could not be downloaded from" in refused(name, split="test")
        assert list(cache.iterdir()) == []
        server.drop = False
        assert len(load_dataset(name, split="test")) == 10

    @pytest.mark.usefixtures("cache")
    def test_a_missing_file_and_a_failing_server_are_refused(self, name, server, small, refused):
        assert "404 Client Error" in refused(name, split="test")
        server.files, server.status = small, 503
        assert "503 Server Error" in refused(name, split="test")

    @pytest.mark.usefixtures("cache", "small")
    @pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nonsense", "http://"])
    def test_addresses_without_a_server_are_refused(self, name, monkeypatch, url, refused):
        monkeypatch.setenv(COLLECTIONS[name].url_variable, url)
        assert f"could not be downloaded from {url.rstrip('/')}/" in refused(name, split="test")

    @pytest.mark.usefixtures("small", "server")
    def test_a_cache_that_cannot_be_written_to_is_refused(self, name, cache, refused):
        cache.parent.write_text("a file in the place of a folder")
        assert "could not be downloaded" in refused(name, split="test")

    @pytest.mark.usefixtures("cache")
    @pytest.mark.parametrize("compressed", [True, False])
    @pytest.mark.parametrize("dot", ["-idx", ".idx"])
    def test_a_given_folder_is_used_without_a_server(
        self, name, tmp_path, small, compressed, dot, monkeypatch, refused
    ):
        monkeypatch.setenv(COLLECTIONS[name].url_variable, "http://127.0.0.1:9")
        for file, content in small.items():
            (tmp_path / (file if compressed else file[:-3]).replace("-idx", dot)).write_bytes(
                content if compressed else gzip.decompress(content)
            )
        dataset = load_dataset(name, split="test", data_dir=str(tmp_path))
        assert np.array_equal(dataset.images.numpy(), values(small[IMAGES]))
        assert refused(name, data_dir=tmp_path) == (
            f"Folder {tmp_path} must hold {TITLES[name]}'s files, but lacks train-images-idx3-ubyte.gz."
        )


def test_files_of_another_data_set_with_the_same_names_are_refused(name, tmp_path, small, refused):
    for file, content in small.items():
        (tmp_path / file).write_bytes(content)
    other = bytearray(gzip.decompress(small[IMAGES]))
    other[100] ^= 1
    (tmp_path / IMAGES).write_bytes(gzip.compress(other))
    assert refused(name, split="test", data_dir=tmp_path) == (
        f"File {tmp_path / IMAGES} does not hold what {TITLES[name]}'s {IMAGES} holds; note that MNIST, Fashion-MNIST "
        "and other data sets use the same names."
    )


def test_truncated_files_are_refused(name, tmp_path, small, refused):
    for file, content in small.items():
        (tmp_path / file).write_bytes(content[:-9])
    message = refused(name, split="test", data_dir=tmp_path)
    assert message.startswith(f"File {tmp_path / IMAGES} is damaged or is not an IDX file: ")


def test_damaged_installed_files_are_an_error_and_not_a_download(tmp_path, monkeypatch, refused):
    damaged = replace(FASHION_MNIST, installed=tmp_path)
    monkeypatch.setitem(loading._IN_FILES, "fashion-mnist", damaged.load)
    for file in FILES["test"]:
        (tmp_path / file).write_bytes(b"\0\0\x08")
    assert "is not an IDX file" in refused("fashion-mnist", split="test")


@needs_complete_set
def test_fashion_mnist_is_not_taken_for_mnist(refused):
    message = refused("mnist", split="test", data_dir=FASHION_MNIST.installed)
    assert "does not hold what MNIST's" in message


@needs_complete_set
def test_the_installed_files_are_complete():
    dataset = load_dataset("fashion-mnist", split="test")
    assert dataset.images.shape == (10_000, 1, 28, 28)
    assert dataset.labels.bincount().tolist() == [1000] * 10


@needs_complete_set
@pytest.mark.parametrize("file", [*FILES["train"], *FILES["test"]])
def test_checksums_are_those_of_the_official_files(file):
    # The MD5 sums that the authors publish in their README.
    md5 = {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    }
    content = official(file)
    assert hashlib.md5(content, usedforsecurity=False).hexdigest() == md5[file]
    assert hashlib.sha256(content).hexdigest() == FASHION_MNIST.packed[file]


@needs_complete_set
@pytest.mark.usefixtures("cache")
def test_the_official_files_download(request, server):
    server.files = {file: official(file) for file in FILES["test"]}
    installed = load_dataset("fashion-mnist", split="test")
    request.getfixturevalue("not_installed")
    downloaded = load_dataset("fashion-mnist", split="test")
    assert server.requests == [IMAGES, LABELS]
    assert downloaded.images.equal(installed.images)
    assert downloaded.labels.equal(installed.labels)


def test_every_file_has_two_checksums_and_no_two_sets_share_one():
    sums = [table[file] for each in COLLECTIONS.values() for table in (each.packed, each.unpacked) for file in table]
    assert all(re.fullmatch("[0-9a-f]{64}", found) for found in sums)
    assert len(set(sums)) == 16
    assert Path(FASHION_MNIST.installed).is_absolute()
