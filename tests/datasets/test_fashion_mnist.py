"""The complete Fashion-MNIST, from a folder and over HTTP from a server on this machine."""

import gc
import gzip
import hashlib
import re
import struct
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from qiskit_qgen.datasets import fashion_mnist, load_dataset
from qiskit_qgen.exceptions import DatasetError

pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

SEED = 6_604
IMAGES, LABELS = fashion_mnist.FILES["test"]
needs_complete_set = pytest.mark.skipif(
    not fashion_mnist.DEBIAN_FOLDER.is_dir(), reason="needs the complete Fashion-MNIST"
)


def official(name):
    """Return an official file: Debian's has the same values, but lacks the name and the date in gzip's header."""
    packed = (fashion_mnist.DEBIAN_FOLDER / name).read_bytes()
    date = 1_504_176_606 if name.startswith("train") else 1_504_176_627
    return (
        b"\x1f\x8b\x08\x08" + struct.pack("<IBB", date, 0, 3) + name.removesuffix(".gz").encode() + b"\0" + packed[10:]
    )


class Server:
    """Serves ``files`` by name, counts requests, and can drop the connection halfway."""

    def __init__(self):
        self.files = {}
        self.requests = []
        self.drop = False
        self.status = 200
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                name = self.path.removeprefix("/mirror/")
                owner.requests.append(name)
                content = owner.files.get(name)
                self.send_response(owner.status if content is not None else 404)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                if content is not None:
                    self.wfile.write(content[: len(content) // 2] if owner.drop else content)
                self.close_connection = True

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/mirror"

    def __enter__(self):
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Stand in for a machine without Debian's package and with an empty cache."""
    import pooch

    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path / "not installed")
    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "cache" / "qiskit_qgen"


@pytest.fixture
def server(monkeypatch):
    with Server() as server:
        monkeypatch.setenv("QISKIT_QGEN_FASHION_MNIST_URL", server.url)
        yield server


@pytest.fixture
def small(monkeypatch):
    """Let ten random pictures of four classes be the official test files; return the content of both files."""
    generator = np.random.default_rng(SEED)
    arrays = {
        IMAGES: generator.integers(0, 256, (10, 28, 28), np.uint8),
        LABELS: generator.integers(0, 4, 10, np.uint8),
    }
    packed = {}
    for name, array in arrays.items():
        header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
        packed[name] = gzip.compress(header + array.tobytes())
        monkeypatch.setitem(fashion_mnist._DOWNLOAD_SHA256, name, hashlib.sha256(packed[name]).hexdigest())
        monkeypatch.setitem(fashion_mnist._CONTENT_SHA256, name, hashlib.sha256(array.tobytes()).hexdigest())
    return packed


def refused(**options):
    with pytest.raises(DatasetError) as caught:
        load_dataset("fashion-mnist", **options)
    message = str(caught.value)
    assert re.fullmatch(r"[^\n]*\.", message)
    # The download library leaves sockets of failed requests to the garbage collector, which complains of each.
    del caught
    gc.collect()
    return message


def values(packed):
    return np.frombuffer(gzip.decompress(packed)[16:], np.uint8).reshape(-1, 1, 28, 28).astype(np.float32) / 255


def test_a_download_is_kept_and_shows_its_progress(cache, server, small, capfd):
    server.files = small
    dataset = load_dataset("fashion-mnist", split="test")
    assert np.array_equal(dataset.images.numpy(), values(small[IMAGES]))
    assert dataset.labels.tolist() == list(gzip.decompress(small[LABELS])[8:])
    assert (dataset.name, dataset.split, len(dataset.class_names)) == ("fashion-mnist", "test", 10)
    assert server.requests == [IMAGES, LABELS]
    assert "100%" in capfd.readouterr().err
    assert sorted(file.name for file in cache.iterdir()) == sorted(small)
    load_dataset("fashion-mnist", split="test")
    assert len(server.requests) == 2


def test_a_damaged_file_in_the_cache_is_downloaded_anew(cache, server, small):
    server.files = small
    load_dataset("fashion-mnist", split="test")
    (cache / LABELS).write_bytes(small[LABELS][:-3])
    load_dataset("fashion-mnist", split="test")
    assert server.requests == [IMAGES, LABELS, LABELS]


def test_a_wrong_checksum_is_refused_and_not_kept(cache, server, small):
    server.files = {**small, IMAGES: small[IMAGES][:-1] + b"\1"}
    message = refused(split="test")
    assert message.startswith(
        f"Fashion-MNIST's file {IMAGES} could not be downloaded from {server.url} (SHA256 hash of"
    )
    assert message.endswith(
        "; try again later, pass a folder with the four files as `data_dir`, "
        "or name a mirror in the environment variable QISKIT_QGEN_FASHION_MNIST_URL."
    )
    assert list(cache.iterdir()) == []
    server.files = small
    assert len(load_dataset("fashion-mnist", split="test")) == 10


def test_a_dropped_connection_is_refused_and_not_kept(cache, server, small):
    server.files, server.drop = small, True
    assert "could not be downloaded from" in refused(split="test")
    assert list(cache.iterdir()) == []
    server.drop = False
    assert len(load_dataset("fashion-mnist", split="test")) == 10


@pytest.mark.usefixtures("cache")
def test_a_missing_file_and_a_failing_server_are_refused(server, small):
    assert "404 Client Error" in refused(split="test")
    server.files, server.status = small, 503
    assert "503 Server Error" in refused(split="test")


@pytest.mark.usefixtures("cache", "small")
@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "nonsense", "http://"])
def test_addresses_without_a_server_are_refused(monkeypatch, url):
    monkeypatch.setenv("QISKIT_QGEN_FASHION_MNIST_URL", url)
    assert f"could not be downloaded from {url} (" in refused(split="test")


@pytest.mark.usefixtures("small", "server")
def test_a_cache_that_cannot_be_written_to_is_refused(cache):
    cache.parent.write_text("a file in the place of a folder")
    assert "could not be downloaded" in refused(split="test")


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("compressed", [True, False])
def test_a_given_folder_is_used_without_a_server(tmp_path, small, compressed, monkeypatch):
    monkeypatch.setenv("QISKIT_QGEN_FASHION_MNIST_URL", "http://127.0.0.1:9")
    for name, content in small.items():
        (tmp_path / (name if compressed else name[:-3])).write_bytes(
            content if compressed else gzip.decompress(content)
        )
    dataset = load_dataset("fashion-mnist", split="test", data_dir=str(tmp_path))
    assert np.array_equal(dataset.images.numpy(), values(small[IMAGES]))
    assert refused(data_dir=tmp_path) == (
        f"Folder {tmp_path} must hold Fashion-MNIST's files, but lacks train-images-idx3-ubyte.gz."
    )


def test_files_of_another_data_set_with_the_same_names_are_refused(tmp_path, small):
    for name, content in small.items():
        (tmp_path / name).write_bytes(content)
    other = bytearray(gzip.decompress(small[IMAGES]))
    other[100] ^= 1
    (tmp_path / IMAGES).write_bytes(gzip.compress(other))
    assert refused(split="test", data_dir=tmp_path) == (
        f"File {tmp_path / IMAGES} does not hold what Fashion-MNIST's {IMAGES} holds; "
        "note that MNIST and other data sets use the same names."
    )


def test_damaged_installed_files_are_an_error_and_not_a_download(tmp_path, small, monkeypatch):
    monkeypatch.setattr(fashion_mnist, "DEBIAN_FOLDER", tmp_path)
    for name, content in small.items():
        (tmp_path / name).write_bytes(content[:-9])
    assert refused(split="test").startswith(f"File {tmp_path / IMAGES} is damaged or is not an IDX file: ")


@needs_complete_set
def test_the_installed_files_are_complete():
    dataset = load_dataset("fashion-mnist", split="test")
    assert dataset.images.shape == (10_000, 1, 28, 28)
    assert dataset.labels.bincount().tolist() == [1000] * 10


@needs_complete_set
@pytest.mark.parametrize("name", [*fashion_mnist.FILES["train"], *fashion_mnist.FILES["test"]])
def test_checksums_are_those_of_the_official_files(name):
    # The MD5 sums that the authors publish in their README.
    md5 = {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    }
    content = official(name)
    assert hashlib.md5(content, usedforsecurity=False).hexdigest() == md5[name]
    assert hashlib.sha256(content).hexdigest() == fashion_mnist._DOWNLOAD_SHA256[name]


@needs_complete_set
def test_the_official_files_download(request, server):
    server.files = {name: official(name) for name in fashion_mnist.FILES["test"]}
    installed = load_dataset("fashion-mnist", split="test")
    request.getfixturevalue("cache")
    downloaded = load_dataset("fashion-mnist", split="test")
    assert server.requests == [IMAGES, LABELS]
    assert downloaded.images.equal(installed.images)
    assert downloaded.labels.equal(installed.labels)
