"""Which failures pass by themselves, and how long they are waited for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from qiskit_qgen._checks import check_float
from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.exceptions import ExecutionError

_TRANSIENT_CODES = frozenset({-1, 408, 425, 429})  # and all from 500 on


class RetryPolicy(Settings):
    """How often and how long a service is asked again.

    Raises:
        ArgumentError: If a number is out of range.
    """

    max_retries: int = setting("How many times to resubmit a failed job", default=2, minimum=0)
    patience: float = setting(
        "Seconds to keep retrying a service that does not answer before the call gives up",
        default=600.0,
        minimum=0,
    )
    first_delay: float = setting(
        "Seconds before the first retry; each further wait is half as long again", default=0.5, above=0
    )
    max_delay: float = setting("The longest wait between two retries, in seconds", default=10.0)

    def check(self) -> None:
        """Raise ArgumentError if the longest wait is shorter than the first one."""
        check_float("max_delay", self.max_delay, minimum=self.first_delay)

    def next_delay(self, delay: float) -> float:
        """Return the wait after one of ``delay`` seconds."""
        return min(1.5 * delay, self.max_delay)

    def patiently(self, ask: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Return ``ask(...)``, asking again while the network or the service fails, up to :attr:`patience` seconds.

        Raises:
            ExecutionError: If it still fails then.
        """
        delay, end = self.first_delay, time.monotonic() + self.patience
        while True:
            try:
                return ask(*arguments, **options)
            except Exception as error:
                if not is_transient(error):
                    raise
                if time.monotonic() + delay > end:
                    raise ExecutionError(
                        f"The service did not answer for {self.patience:g} seconds ({first_line(error)}). Jobs that "
                        "were submitted go on by themselves: the same call finds them again."
                    ) from error
            time.sleep(delay)
            delay = self.next_delay(delay)


def is_transient(error: BaseException) -> bool:
    """Return whether the failure is of the network or of the service's moment, not of what was asked."""
    from qiskit_ibm_runtime.exceptions import IBMError, IBMNotAuthorizedError

    if isinstance(error, IBMNotAuthorizedError):
        return False
    code = status_code(error)
    if code is not None:
        return code in _TRANSIENT_CODES or code >= 500
    return isinstance(error, OSError) and not isinstance(error, IBMError)


def refusal(error: BaseException) -> str | None:
    """Return in a sentence why the service refuses a question; None if the error is none of the service's."""
    from qiskit_ibm_runtime.api.exceptions import RequestsApiError
    from qiskit_ibm_runtime.exceptions import IBMError, IBMNotAuthorizedError

    if isinstance(error, IBMNotAuthorizedError) or (isinstance(error, IBMError) and status_code(error) == 401):
        return "The service does not accept the account's API key (any more): save a valid one."
    if isinstance(error, IBMError | RequestsApiError | OSError):
        return f"The service refuses the request: {first_line(error)}."
    return None


def status_code(error: BaseException) -> int | None:
    """Return the HTTP status (-1 for no answer) that an error of the client goes back to."""
    found: BaseException | None = error
    while found is not None:
        code = getattr(found, "status_code", None)
        if isinstance(code, int):
            return code
        found = found.__cause__ or found.__context__
    return None


def first_line(error: BaseException) -> str:
    """Return what an error says, at most 300 characters of it."""
    return str(error).strip("'\"").splitlines()[0][:300].rstrip(".") if str(error) else type(error).__name__
