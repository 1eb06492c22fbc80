"""Trials of a study: each is a pure function of its configuration and runs once, wherever there is capacity."""

from __future__ import annotations

import copy
import hashlib
import json
import platform
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from filelock import FileLock

from qiskit_qgen._checks import check_folder, check_int, check_type
from qiskit_qgen._typing import PathLike
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError, ExecutionError, TrainingDivergedError
from qiskit_qgen.persistence import atomic_write
from qiskit_qgen.persistence.json_text import dump_json
from qiskit_qgen.studies.trials.folder import ERROR, LOCK, TIMING, TRIAL, claim_folder, read_trial, trial_folder
from qiskit_qgen.studies.trials.workers import WorkerProcesses, WorkerStartError, pinned_threads

Trial = Callable[[dict[str, Any], Path], dict[str, Any]]

_DIGEST_LENGTH = 16
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.01, 0.5  # seconds between two checks of trials that run elsewhere


def trial_digest(configuration: Mapping[str, Any]) -> str:
    """Return the name of a trial: the first 16 hexadecimal digits of the SHA-256 of its configuration.

    The order of keys does not matter, and tuples are lists; ``1`` and ``1.0`` differ.

    Args:
        configuration: Everything that determines the trial's result, in a form that JSON can store.

    Raises:
        ArgumentError: If it holds something that JSON cannot hold.
        ArgumentTypeError: If it is not a mapping.
    """
    check_type("configuration", configuration, Mapping, "a mapping of names to values")
    dump_json(dict(configuration), "configuration")
    return hashlib.sha256(_canonical(configuration).encode()).hexdigest()[:_DIGEST_LENGTH]


def run_trials(
    function: Trial,
    configurations: Sequence[Mapping[str, Any]],
    folder: PathLike,
    *,
    settings: Mapping[str, Any] | None = None,
    executor: Any = None,
    workers: int = 0,
    threads: int = 1,
    retry_failed: bool = False,
    on_trial: Callable[[dict[str, Any]], None] | None = None,
) -> list[dict[str, Any]]:
    """Run a study's unfinished trials, and return the records of all trials.

    ===============================  ==============================================================================
    ``settings.json``                which study this is: the function and ``settings``
    ``plan.json``                    digests and configurations of all trials
    ``trials/DIGEST/trial.json``     the record of a trial, on one line, the same wherever it ran
    ``trials/DIGEST/timing.json``    how long it took, where
    ``trials/DIGEST/``               whatever else the trial writes; ``error.txt`` with the traceback if it failed
    ===============================  ==============================================================================

    A record is a dictionary of ``digest``, ``configuration``, ``status``, and ``result`` or ``error``.
    The status is "done"; "diverged" if the training did; or "failed" after any other exception, which is a result too.
    An interrupted or killed trial is not recorded. If you call the study again, it runs the trials without a record;
    they can resume from files in their folders, such as a checkpoint. Two processes may run the same study at once:
    neither starts a trial that the other is running.

    Args:
        function: Takes a configuration and the trial's folder, and returns a value that JSON can store. It must be
            importable by name from its module, and depend only on the configuration and the study's settings.
        configurations: The trials; equal ones run once.
        folder: The study's folder; created if it is missing.
        settings: Everything else that determines the results of all trials, in a form that JSON can store. A folder
            with different settings is refused.
        executor: Where to run instead of here: anything with a method ``submit(function, *arguments)`` whose
            futures have ``done()`` and ``result()``, such as an executor of the standard library, a Dask client or
            submitit's. It must reach ``folder`` under the same path.
        workers: Number of worker processes on this machine; with 0, the trials run in this process. With an
            ``executor``, the number of trials submitted at once; 0 submits all.
        threads: Number of threads of each trial; it can change the last digits of results.
        retry_failed: Whether to run failed trials again.
        on_trial: Called in this process with the record of each trial as it ends.

    Returns:
        The records, in the order of ``configurations``.

    Raises:
        ArgumentError: If an argument is out of range, ``function`` is not importable by name, or the folder holds
            another study.
        ArgumentTypeError: If an argument has the wrong type.
        CheckpointError: If a file of the folder is damaged.
        ExecutionError: If trials were lost with the processes that ran them; all other trials run first.
        KeyboardInterrupt: After Ctrl-C; trials that run elsewhere are cancelled.
    """
    name = _check_function(function)
    check_type("configurations", configurations, Sequence, "a sequence of configurations")
    planned = {trial_digest(configuration): json.loads(_canonical(configuration)) for configuration in configurations}
    place = check_folder("folder", folder).absolute()
    check_int("workers", workers, minimum=0)
    check_int("threads", threads, minimum=1)
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise ArgumentTypeError(f"Argument `executor` must have a method `submit`, but is {executor!r}.")
    check_type("settings", settings, (Mapping, type(None)), "a mapping of names to values or None")
    claim_folder(place, {"function": name, "settings": dict(settings or {})}, planned)

    waiting = [digest for digest in planned if _finished(place, digest, retry_failed) is None]
    calls = [(function, planned[digest], place, digest, threads, retry_failed) for digest in waiting]
    report = on_trial or (lambda _: None)
    try:
        if executor is None and workers == 0:
            for call in calls:
                report(run_trial(*call))
        elif calls:
            with WorkerProcesses(workers) if executor is None else nullcontext(executor) as runner:
                _run_elsewhere(runner, calls, report, workers or len(calls))
    except KeyboardInterrupt as interrupt:
        raise KeyboardInterrupt("What has ended is kept; the same call goes on with the study.") from interrupt
    records = [read_trial(place, trial_digest(configuration)) for configuration in configurations]
    return [record for record in records if record is not None]


def run_trial(
    function: Trial, configuration: dict[str, Any], folder: Path, digest: str, threads: int, retry_failed: bool
) -> dict[str, Any]:
    """Run one trial of a study's ``folder``, unless another process has just done so, and return its record."""
    place = trial_folder(folder, digest)
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place / LOCK):
        record = _finished(folder, digest, retry_failed)
        if record is not None:
            return record
        started, clock = time.time(), time.perf_counter()
        record = {"digest": digest, "configuration": configuration, "status": "done"}
        try:
            with pinned_threads(threads):
                record["result"] = function(copy.deepcopy(configuration), place)
            text = dump_json(record, "trial")
            (place / ERROR).unlink(missing_ok=True)
        except Exception as error:  # a trial may fail in any way; the failure is its result
            record.pop("result", None)
            record["status"] = "diverged" if isinstance(error, TrainingDivergedError) else "failed"
            record["error"] = f"{type(error).__name__}: {error}"
            atomic_write(place / ERROR, traceback.format_exc())
            text = dump_json(record, "trial")
        timing = {"seconds": time.perf_counter() - clock, "started": started, "threads": threads}
        atomic_write(place / TIMING, json.dumps(timing | {"host": platform.node()}) + "\n")
        atomic_write(place / TRIAL, text + "\n")
        recorded: dict[str, Any] = json.loads(text)
        return recorded


def _run_elsewhere(
    runner: Any, calls: Sequence[tuple[Any, ...]], report: Callable[[dict[str, Any]], None], at_once: int
) -> None:
    """Run trials with ``runner`` and wait for them; raise ExecutionError at the end if any were lost."""
    waiting = list(reversed(calls))
    pending: list[Any] = []
    losses: list[str] = []
    pause = _SHORTEST_PAUSE
    try:
        while waiting or pending:
            while waiting and len(pending) < at_once:
                pending.append(runner.submit(run_trial, *waiting.pop()))
            finished = [future for future in pending if future.done()]
            for future in finished:
                pending.remove(future)
                try:
                    record = future.result()
                except WorkerStartError:
                    raise
                except Exception as error:  # each kind of executor has a different error for a lost process
                    lines = str(error).strip().splitlines() or [type(error).__name__]
                    losses.append(lines[0].rstrip("."))
                else:
                    report(record)
            pause = _SHORTEST_PAUSE if finished else min(2 * pause, _LONGEST_PAUSE)
            time.sleep(0 if finished else pause)
    except BaseException:
        for future in pending:
            getattr(future, "cancel", lambda: None)()
        raise
    if losses:
        raise ExecutionError(
            f"{len(losses)} of {len(calls)} trials were lost, since {losses[0]}; all others have ended: call again to "
            "run these."
        )


def _check_function(function: Any) -> str:
    """Return the full name of ``function``, under which every process finds it."""
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    if not callable(function) or getattr(sys.modules.get(str(module)), str(name), None) is not function:
        raise ArgumentError(
            "Argument `function` must be a function at the top level of a module, so that other processes find it, but "
            f"is {function!r}."
        )
    return f"{module}.{name}"


def _canonical(configuration: Mapping[str, Any]) -> str:
    """Return the canonical JSON text of a configuration."""
    return json.dumps(dict(configuration), sort_keys=True, separators=(",", ":"))


def _finished(folder: Path, digest: str, retry_failed: bool) -> dict[str, Any] | None:
    """Return the record of a trial that need not run again, or None."""
    record = read_trial(folder, digest)
    return None if record is not None and retry_failed and record["status"] == "failed" else record
