"""What the tests of studies share; its folder holds ``small_trials``, which worker processes import."""

import pytest


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """Features of real images are kept in a folder of the tests, not in the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QISKIT_QGEN_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        yield
