import gc
import re

import pytest
from mirror import Server

from qiskit_qgen.datasets import load_dataset
from qiskit_qgen.exceptions import DatasetError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Stand in for a machine with an empty cache and an empty home, and without proxies."""
    import pooch

    monkeypatch.setattr(pooch, "os_cache", lambda project: tmp_path / "cache" / project)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "cache" / "qiskit_qgen"


@pytest.fixture
def server(monkeypatch):
    """A server that all data sets' variables name."""
    with Server() as server:
        for name in ("MNIST", "FASHION_MNIST", "MEDMNIST"):
            monkeypatch.setenv(f"QISKIT_QGEN_{name}_URL", server.url)
        monkeypatch.setenv("QISKIT_QGEN_CIFAR10_URL", f"{server.url}/cifar-10-binary.tar.gz")
        yield server


@pytest.fixture
def refused():
    """Call ``load_dataset``, which must refuse, and return the one sentence that it says."""

    def call(*arguments, **options):
        with pytest.raises(DatasetError) as caught:
            load_dataset(*arguments, **options)
        message = str(caught.value)
        assert re.fullmatch(r"[^\n]*\.", message)
        # The download library leaves sockets of failed requests to the garbage collector, which complains of each.
        del caught
        gc.collect()
        return message

    return call
