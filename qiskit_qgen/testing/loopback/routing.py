"""Requests, answers and the table of routes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit


class ApiError(Exception):
    """An answer that is an error, in the shape of IBM's API.

    Args:
        status: HTTP status.
        code: Error code of IBM's registry.
        message: What went wrong.
        solution: What to do about it.
    """

    def __init__(self, status: int, code: int, message: str, solution: str = "Check the request.") -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.solution = status, code, message, solution

    def answer(self) -> Answer:
        """Return the error as an answer."""
        error = {
            "code": self.code,
            "message": self.message,
            "solution": self.solution,
            "more_info": "https://cloud.ibm.com/apidocs/quantum-computing#error-handling",
        }
        return Answer.json({"errors": [error], "trace": "loopback"}, status=self.status)


@dataclass(frozen=True)
class Request:
    """One request, as the routes see it."""

    method: str
    path: str
    query: dict[str, list[str]] = field(default_factory=dict)
    headers: Any = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def parse(cls, method: str, target: str, headers: Any, body: bytes) -> Request:
        """Read a request."""
        parts = urlsplit(target)
        return cls(method, parts.path, parse_qs(parts.query), headers, body)

    def first(self, name: str, default: str = "") -> str:
        """Return the first value of a query parameter."""
        return self.query.get(name, [default])[0]

    def json(self) -> dict[str, Any]:
        """Return the body, read as JSON.

        Raises:
            ApiError: If it is none (400).
        """
        try:
            body: dict[str, Any] = json.loads(self.body or b"{}")
            return body
        except json.JSONDecodeError as error:
            raise ApiError(400, 1221, f"The body is not JSON: {error}.") from None

    def form(self) -> dict[str, str]:
        """Return the body, read as a form."""
        return {key: values[0] for key, values in parse_qs(self.body.decode()).items()}


@dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"

    @classmethod
    def json(cls, data: Any, status: int = 200) -> Answer:
        """Return an answer with a JSON body."""
        return cls(status, json.dumps(data, separators=(",", ":")).encode())

    @classmethod
    def text(cls, text: str, status: int = 200) -> Answer:
        """Return an answer with a text body."""
        return cls(status, text.encode(), "text/plain; charset=utf-8")

    @property
    def reason(self) -> str:
        """The phrase that belongs to the status."""
        return HTTPStatus(self.status).phrase if self.status in {int(known) for known in HTTPStatus} else "Error"


Handler = Callable[..., Answer]


@dataclass(frozen=True)
class Route:
    """A route: `name` is its method and path, such as "GET /jobs/{id}", and what faults and counters call it."""

    name: str
    pattern: re.Pattern[str]
    handler: Handler
    needs_token: bool


class Router:
    """Finds the route of a request.

    The paths of the API are registered without their prefix: `/api/v1/jobs` and `/experimental/api/v1/jobs` are
    `/jobs`. (The client leaves a URL alone that contains "experimental", so that it needs no resolver.)
    """

    _PREFIX = re.compile(r"^(/experimental)?/api/v1(?=/)")

    def __init__(self) -> None:
        self._routes: list[Route] = []

    def add(self, name: str, handler: Handler, *, needs_token: bool = True) -> None:
        """Register a route."""
        method, path = name.split(" ", 1)
        expression = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path))
        self._routes.append(Route(name, re.compile(f"{method} {expression}"), handler, needs_token))

    def find(self, request: Request) -> tuple[Route, dict[str, str]]:
        """Return the route of a request and the values in its path.

        Raises:
            ApiError: If there is none (404).
        """
        line = f"{request.method} {self._PREFIX.sub('', request.path)}"
        for route in self._routes:
            if match := route.pattern.fullmatch(line):
                return route, match.groupdict()
        raise ApiError(404, 1020, f"There is no {line}.")
