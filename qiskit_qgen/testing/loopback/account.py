"""Tokens, instances and their usage, and backends."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING

from qiskit_qgen.testing.loopback.routing import Answer, ApiError, Request, Router

if TYPE_CHECKING:
    from qiskit_qgen.testing.loopback.server import Service

TOKEN_SECONDS = 3600
PLAN_ID = "loopback-plan"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Account:
    """Answers who may do what, and with which backends."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def register(self, router: Router) -> None:
        """Add the routes of this part."""
        router.add("POST /identity/token", self._token, needs_token=False)
        router.add("POST /v3/resources/search", self._search, needs_token=False)
        router.add("GET /catalog/{id}", self._catalog, needs_token=False)
        router.add("GET /instances/usage", self._usage)
        router.add("GET /backends", self._backends)
        router.add("GET /backends/{name}/configuration", self._configuration)
        router.add("GET /backends/{name}/properties", self._properties)
        router.add("GET /backends/{name}/status", self._status)

    def _signed(self, claims: str) -> str:
        signature = hmac.new(self._service.options.token.encode(), claims.encode(), hashlib.sha256).digest()
        return f"{claims}.{_encoded(signature)}"

    def _token(self, request: Request) -> Answer:
        """Exchange an API key for an access token, which any server with the same API key will know again."""
        if request.form().get("apikey") != self._service.options.token:
            error = {"errorCode": "BXNIM0415E", "errorMessage": "Provided API key could not be found."}
            return Answer.json(error, status=400)
        issued = int(time.time())
        header, claims = {"alg": "HS256", "typ": "JWT"}, {"iat": issued, "exp": issued + TOKEN_SECONDS}
        token = self._signed(".".join(_encoded(json.dumps(part).encode()) for part in (header, claims)))
        answer = {
            "access_token": token,
            "refresh_token": "not_supported",
            "token_type": "Bearer",
            "expires_in": TOKEN_SECONDS,
        }
        return Answer.json(answer | {"expiration": issued + TOKEN_SECONDS, "scope": "ibm openid"})

    def check(self, request: Request) -> None:
        """Refuse a request to the API that does not show the token and the instance.

        Raises:
            ApiError: If it does not (401 and 403).
        """
        kind, _, credentials = request.headers.get("Authorization", "").partition(" ")
        known = kind == "apikey" and credentials == self._service.options.token
        if kind == "Bearer" and credentials.count(".") == 2:
            known = hmac.compare_digest(self._signed(credentials.rpartition(".")[0]), credentials)
        if not known:
            raise ApiError(401, 1201, "Invalid credentials.", "Check the API key.")
        if request.headers.get("Service-CRN") != self._service.options.instance:
            raise ApiError(403, 1200, "You are not authorized to perform this action.", "Check the instance.")

    def _search(self, request: Request) -> Answer:  # noqa: ARG002
        options = self._service.options
        item = {
            "crn": options.instance,
            "name": options.instance_name,
            "tags": [],
            "service_plan_unique_id": PLAN_ID,
            "doc": {"extensions": [{"allocation": "loopback"}]},
        }
        return Answer.json({"items": [item], "limit": 100})

    def _catalog(self, request: Request, id: str) -> Answer:  # noqa: ARG002, A002
        plan = self._service.options.plan
        pricing = "free" if plan == "open" else "paid"
        return Answer.json(
            {"overview_ui": {"en": {"display_name": plan.title()}}, "metadata": {"pricing": {"type": pricing}}}
        )

    def _usage(self, request: Request) -> Answer:  # noqa: ARG002
        options, consumed = self._service.options, self._service.store.consumed_seconds()
        usage = {
            "instance_id": options.instance,
            "plan_id": PLAN_ID,
            "usage_consumed_seconds": round(consumed, 3),
            "usage_limit_seconds": options.usage_limit_seconds,
            "usage_limit_reached": self._service.usage_left() <= 0,
        }
        return Answer.json(usage)

    def _backends(self, request: Request) -> Answer:
        mocks = request.first("include_mocks", "").lower() == "true"
        devices = [device for device in self._service.devices.values() if mocks or not device.is_mock]
        pending = self._service.store.pending
        return Answer.json({"devices": [device.summary(len(pending(backend=device.name))) for device in devices]})

    def _configuration(self, request: Request, name: str) -> Answer:  # noqa: ARG002
        return Answer.json(self._service.device(name).configuration())

    def _properties(self, request: Request, name: str) -> Answer:  # noqa: ARG002
        return Answer.json(self._service.device(name).properties())

    def _status(self, request: Request, name: str) -> Answer:  # noqa: ARG002
        device = self._service.device(name)
        queued = len(self._service.store.pending(backend=name))
        return Answer.json(device.status | {"length_queue": queued, "backend_version": "1.0.0"})
