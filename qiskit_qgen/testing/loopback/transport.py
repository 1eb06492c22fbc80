"""HTTP: reads requests, commits faults, sends answers."""

from __future__ import annotations

import socket
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from qiskit_qgen.testing.loopback.faults import Fault
from qiskit_qgen.testing.loopback.routing import Answer, ApiError, Request, Route

if TYPE_CHECKING:
    from qiskit_qgen.testing.loopback.server import Service

REQUEST_KINDS = ("error", "drop", "delay", "truncate", "cut")


class LoopbackHTTPServer(ThreadingHTTPServer):
    """A server that can be stopped while clients keep their connections."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], service: Service) -> None:
        super().__init__(address, Connection)
        self.service = service
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a new connection."""
        with self._lock:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        with self._lock:
            self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that went away."""

    def stop(self) -> None:
        """Stop to listen, and close every connection."""
        self.shutdown()
        self.server_close()
        with self._lock:
            for connection in self._connections:
                hang_up(connection)


def hang_up(connection: socket.socket) -> None:
    """Close a connection at once, as a lost network does."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client was faster


class Connection(BaseHTTPRequestHandler):
    """Serves the requests of one connection."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: LoopbackHTTPServer

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        request = Request.parse(self.command, self.path, self.headers, self.rfile.read(length))
        service = self.server.service
        try:
            route, arguments = service.router.find(request)
        except ApiError as error:
            self._send(error.answer())
            return
        with service.store.lock:
            service.store.requests[route.name] += 1
        faults = service.faults.take(route.name, REQUEST_KINDS) if not route.name.count("/_loopback") else []
        for fault in faults:
            if fault.kind == "delay":
                time.sleep(fault.seconds)
        last = faults[-1] if faults and faults[-1].kind != "delay" else None
        before = last is not None and last.kind in ("error", "drop") and not last.after
        answer = Answer() if before else self._answer(route, request, arguments)
        self._send_with(answer, last)

    def _answer(self, route: Route, request: Request, arguments: dict[str, str]) -> Answer:
        try:
            if route.needs_token:
                self.server.service.account.check(request)
            return route.handler(request, **arguments)
        except ApiError as error:
            return error.answer()
        except Exception:
            return ApiError(500, 1000, traceback.format_exc(), "This is a defect of the loopback server.").answer()

    def _send_with(self, answer: Answer, fault: Fault | None) -> None:
        """Send an answer, or spoil it as the fault says."""
        if fault is None:
            self._send(answer)
        elif fault.kind == "error":
            self._send(ApiError(fault.status, fault.code or 1000, fault.message, "Retry the action.").answer())
        elif fault.kind == "truncate":
            self._send(Answer(answer.status, answer.body[: len(answer.body) // 2], answer.content_type))
        elif fault.kind == "cut":
            self._send(answer, sent=len(answer.body) // 2)
            self._hang_up()
        else:
            self._hang_up()

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        hang_up(self.connection)

    def _send(self, answer: Answer, sent: int | None = None) -> None:
        self.send_response(answer.status, answer.reason)
        if answer.status != 204:
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if answer.status != 204:
            self.wfile.write(answer.body[:sent])

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002
        """Log a request if that is asked for."""
        if self.server.service.options.verbose:
            super().log_message(format, *arguments)
