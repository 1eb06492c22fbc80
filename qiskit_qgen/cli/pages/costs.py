"""What the jobs of a run on a device cost, as their ledger tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qiskit_qgen.cli.toml_text import parse_value

_FOREVER = "9999"


def job_costs(execution: str | None, record: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the ledger holds of a run's jobs, between its beginning and its end; None without a device.

    The seconds are those that were estimated before each job was submitted.
    """
    kind, _, rest = (execution or "").partition(":")
    if kind != "runtime":
        return None
    from qiskit_qgen.execution.runtime.ledger import Ledger

    options = dict(part.split("=", 1) for part in rest.split(",") if "=" in part)
    path = parse_value(options["ledger"]) if "ledger" in options else None
    ledger = Ledger(None if path is None else Path(str(path)))
    began, ended = record.get("began", ""), record.get("ended", _FOREVER)
    lines = [line for line in ledger.records() if began <= line.get("time", began) <= ended]
    intended = {line["tag"]: line for line in lines if line["event"] == "intended"}
    latest = {line["tag"]: line["event"] for line in lines if line["tag"] in intended}
    return {
        "ledger": ledger.file,
        "backends": sorted({str(line.get("backend", "-")) for line in intended.values()}),
        "jobs": len(intended),
        "rows": sum(int(line.get("rows", 0)) for line in intended.values()),
        "seconds": sum(float(line.get("estimated_qpu_seconds", 0.0)) for line in intended.values()),
        "states": dict(Counter(latest.values())),
    }
