"""`python -m qiskit_qgen.testing.loopback`: rehearses a hardware script offline, until it is stopped."""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
from pathlib import Path

from qiskit_qgen.testing.loopback.faults import Fault
from qiskit_qgen.testing.loopback.server import LoopbackOptions, LoopbackServer


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    defaults = LoopbackOptions()
    parser = argparse.ArgumentParser(prog="python -m qiskit_qgen.testing.loopback", description=__doc__)
    parser.add_argument("--port", type=int, default=8765, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--devices", default=",".join(defaults.devices), help="fake devices, separated by commas")
    parser.add_argument("--noiseless", action="store_true", help="let the devices make no errors")
    parser.add_argument(
        "--plan", choices=("premium", "open"), default=defaults.plan, help="the open plan has no sessions"
    )
    parser.add_argument("--queue-seconds", type=float, default=defaults.queue_seconds, help="how long jobs stay queued")
    parser.add_argument("--run-seconds", type=float, default=defaults.run_seconds, help="how long jobs run at least")
    parser.add_argument("--workers", type=int, default=defaults.workers, help="how many jobs run at once")
    parser.add_argument("--max-pending-jobs", type=int, help="refuse jobs beyond so many pending ones")
    parser.add_argument(
        "--usage-limit", type=float, default=defaults.usage_limit_seconds, help="quantum seconds of the instance"
    )
    parser.add_argument("--seed", type=int, default=defaults.seed, help="seed of the simulations")
    parser.add_argument("--state", type=Path, help="folder in which jobs and results outlive the server")
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        type=Fault.parse,
        help="such as 'error,route=POST /jobs,status=502,times=2'",
    )
    parser.add_argument("--verbose", action="store_true", help="log every request")
    return parser


def main(arguments: list[str] | None = None) -> None:
    """Run the server with these arguments, or those of the command line."""
    given = parser().parse_args(arguments)
    options = LoopbackOptions(
        devices=tuple(given.devices.split(",")),
        noise=not given.noiseless,
        plan=given.plan,
        queue_seconds=given.queue_seconds,
        run_seconds=given.run_seconds,
        workers=given.workers,
        max_pending_jobs=given.max_pending_jobs,
        usage_limit_seconds=given.usage_limit,
        seed=given.seed,
        verbose=given.verbose,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with LoopbackServer(options, port=given.port, folder=given.state) as server:
        for fault in given.fault:
            server.faults.add(fault)
        example = json.dumps({"kind": "error", "route": "POST /jobs", "times": 2})
        lines = [
            f"# {', '.join(server.devices)} at {server.url}; stop with Ctrl-C. Run these lines where your script runs:"
        ]
        lines += [f"export {name}={shlex.quote(value)}" for name, value in server.environment().items()]
        lines += [
            "# then, in Python: QiskitRuntimeService() is the client of this server.",
            f"# counts: curl {server.url}/_loopback/state",
            f"# faults: curl -d '{example}' {server.url}/_loopback/faults",
        ]
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
        try:
            signal.pause()
        except KeyboardInterrupt:
            sys.stdout.write("# stopped\n")


if __name__ == "__main__":
    main()
