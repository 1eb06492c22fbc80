"""Fixtures for all tests."""

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # several processes of tests share the processors
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from loopback.fixtures import ibm_server, start_ibm_server

__all__ = ["ibm_server", "start_ibm_server"]
