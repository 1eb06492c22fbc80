"""Fixtures for all tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

if "PYTEST_XDIST_WORKER" in os.environ:  # several processes of tests share the processors
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from qiskit_qgen.testing.loopback import LoopbackOptions, LoopbackServer


@pytest.fixture
def start_ibm_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., LoopbackServer]]:
    """Return a function that starts a server and points the client's environment at it.

    It takes `port`, `folder` and the options of `LoopbackOptions`.
    Accounts saved by the user are out of reach: the client's account file is one in `tmp_path`.
    """
    import qiskit_ibm_runtime.accounts.management as management

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(management, "_DEFAULT_ACCOUNT_CONFIG_JSON_FILE", str(tmp_path / "qiskit-ibm.json"))
    for name in ("QISKIT_FUNCTIONS_EXPERIMENTAL", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    running = []

    def start(*, port: int = 0, folder: Path | None = None, **options: object) -> LoopbackServer:
        server = LoopbackServer(LoopbackOptions(**options), port=port, folder=folder).start()
        running.append(server)
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def ibm_server(start_ibm_server: Callable[..., LoopbackServer]) -> LoopbackServer:
    """Return a running server without noise; `server.service()` is its client."""
    return start_ibm_server(noise=False)
