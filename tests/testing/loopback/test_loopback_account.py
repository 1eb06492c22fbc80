"""The real client finds its account, its instance and its backends on the loopback server."""

from __future__ import annotations

import pytest
import requests
from qiskit.providers import QiskitBackendNotFoundError
from qiskit_ibm_runtime import QiskitRuntimeService
from qiskit_ibm_runtime.accounts import AccountNotFoundError
from qiskit_ibm_runtime.exceptions import IBMInputValueError


def test_client_finds_its_account_in_the_environment(ibm_server):
    service = QiskitRuntimeService()
    assert service.active_account()["token"] == ibm_server.options.token
    assert service.instances() == [
        {"crn": ibm_server.options.instance, "plan": "premium", "name": "rehearsal", "tags": [], "pricing_type": "paid"}
    ]
    assert ibm_server.requests["POST /v3/resources/search"] == 1
    assert ibm_server.requests["GET /catalog/{id}"] == 1


def test_client_without_instance_and_with_its_name(ibm_server, monkeypatch):
    monkeypatch.delenv("QISKIT_IBM_INSTANCE")
    assert ibm_server.service(instance="auto").active_instance() == ibm_server.options.instance
    assert ibm_server.service(instance="rehearsal").active_instance() == ibm_server.options.instance
    with pytest.raises(IBMInputValueError, match="not a valid instance name"):
        ibm_server.service(instance="unknown")


def test_client_that_skips_discovery(ibm_server, monkeypatch):
    monkeypatch.setenv("QISKIT_FUNCTIONS_EXPERIMENTAL", "1")
    assert [backend.name for backend in ibm_server.service().backends()] == ["ibm_kolkata", "ibm_torino", "ibm_manila"]
    assert "POST /v3/resources/search" not in ibm_server.requests


def test_client_with_a_resolver_of_its_own(ibm_server):
    service = ibm_server.service(url=ibm_server.url, url_resolver=lambda url, *_: f"{url}/api/v1")
    assert service.backend("ibm_manila").num_qubits == 5


def test_account_saved_in_a_file(ibm_server, monkeypatch, tmp_path):
    for name in ("QISKIT_IBM_TOKEN", "QISKIT_IBM_URL", "QISKIT_IBM_INSTANCE"):
        monkeypatch.delenv(name)
    with pytest.raises(AccountNotFoundError):
        QiskitRuntimeService()
    account = {"token": ibm_server.options.token, "url": f"{ibm_server.url}/experimental/api/v1"}
    QiskitRuntimeService.save_account(
        **account, instance=ibm_server.options.instance, filename=str(tmp_path / "mine.json"), name="mine"
    )
    service = QiskitRuntimeService(filename=str(tmp_path / "mine.json"), name="mine")
    assert service.backend("ibm_kolkata").num_qubits == 27


def test_backends_are_the_fake_devices(ibm_server):
    from qiskit_ibm_runtime.fake_provider import FakeKolkataV2

    service = ibm_server.service()
    backend, fake = service.backend("ibm_kolkata"), FakeKolkataV2()
    assert set(backend.coupling_map.get_edges()) == set(fake.coupling_map.get_edges())
    assert backend.properties().t1(3) == pytest.approx(fake.properties().t1(3))
    assert backend.status().operational
    with pytest.raises(QiskitBackendNotFoundError):
        service.backend("ibm_nowhere")


def test_least_busy_has_room_and_no_queue(ibm_server):
    service = ibm_server.service()
    assert service.least_busy(min_num_qubits=100).name == "ibm_torino"
    ibm_server.devices["ibm_kolkata"].status.update(state=False, status="maintenance")
    ibm_server.devices["ibm_torino"].status.update(state=False, status="maintenance")
    assert ibm_server.service().least_busy().name == "ibm_manila"


def test_usage_of_the_instance(start_ibm_server):
    server = start_ibm_server(usage_limit_seconds=600.0)
    assert server.service().usage()["usage_remaining_seconds"] == 600.0


def test_wrong_key_is_rejected(ibm_server):
    from qiskit_ibm_runtime.accounts import InvalidAccountError

    with pytest.raises(InvalidAccountError, match="valid API token"):
        ibm_server.service(token="wrong")  # noqa: S106


def test_requests_need_a_token_and_the_instance(ibm_server):
    known = {"Authorization": f"apikey {ibm_server.options.token}", "Service-CRN": ibm_server.options.instance}
    claims = "eyJhbGciOiJIUzI1NiJ9.e30"
    expected = [
        (known, 200),
        ({}, 401),
        (known | {"Authorization": "apikey wrong"}, 401),
        (known | {"Authorization": f"Bearer {claims}.forged"}, 401),
        (known | {"Service-CRN": "crn:of:somebody:else"}, 403),
    ]
    for headers, status in expected:
        assert requests.get(f"{ibm_server.url}/api/v1/backends", headers=headers, timeout=10).status_code == status


@pytest.mark.usefixtures("ibm_server")
def test_the_account_of_the_user_is_out_of_reach(tmp_path):
    QiskitRuntimeService.save_account(token="of-a-test")  # noqa: S106
    assert (tmp_path / "qiskit-ibm.json").exists()
    assert list(QiskitRuntimeService.saved_accounts()) == ["default-ibm-quantum-platform"]
