"""Fixtures for all tests."""

from loopback.fixtures import ibm_server, start_ibm_server

__all__ = ["ibm_server", "start_ibm_server"]
