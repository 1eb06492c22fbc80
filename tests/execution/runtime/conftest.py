import pytest


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Keep every test's circuits and ledgers to itself."""
    monkeypatch.setenv("QISKIT_QGEN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"
