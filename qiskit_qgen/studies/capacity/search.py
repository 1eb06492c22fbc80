"""Critic sizes proposed by Optuna, instead of a grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import geometric_mean
from typing import Any

from filelock import FileLock

from qiskit_qgen._settings import Settings, setting
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.optionals import HAS_OPTUNA
from qiskit_qgen.studies.capacity.grid import CapacityGrid, generator_name
from qiskit_qgen.studies.capacity.optimality import OptimalityRule, judge_record
from qiskit_qgen.studies.trials.run import trial_digest

JOURNAL = "search.journal"
_LOCK = ".search.lock"
_WIDTH = "critic_width"
_AT_RANDOM = 4  # widths before the sampler learns from scores: the bounds and two more

Records = list[dict[str, Any]]


class CapacitySearch(Settings):
    """How critic sizes are searched for; needs the extra ``search``, Optuna."""

    num_widths: int = setting(
        "Number of widths to propose for each generator: first the grid's smallest and largest, then widths between "
        "them; a width that is proposed twice is trained once",
        default=8,
        minimum=3,
    )
    seed: int = setting("Seed of the proposals", default=0, minimum=0)


def search_critic_widths(
    grid: CapacityGrid,
    common: Mapping[str, Any],
    rule: OptimalityRule,
    folder: Path,
    *,
    search: CapacitySearch,
    run: Callable[[list[dict[str, Any]]], Records],
) -> Records:
    """Run trials for the widths that Optuna's tree-structured Parzen estimator proposes, and return their records.

    Each generator has an Optuna study of the critic's width on a logarithmic scale. It minimises the geometric mean of
    the late scores of the stable seeds; a width with too few stable seeds counts as pruned. One width of each generator
    is trained at a time, with all seeds. The studies are kept in Optuna's journal ``search.journal`` in the folder, so
    Optuna's tools can read them. A repeated call replays all proposals from the same seed and arrives at the same
    widths; recorded trials cost nothing.

    ``common`` holds the settings shared by all configurations. ``run`` takes the configurations of all widths so far,
    runs the trials that have no record yet, and returns all records.

    Raises:
        ArgumentError: If the grid has only one critic width.
        MissingOptionalLibraryError: If Optuna is not installed.
    """
    low, high = search_bounds(grid)
    import optuna
    from optuna.storages.journal import JournalFileBackend

    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / _LOCK), ExitStack() as quiet:
        quiet.callback(optuna.logging.set_verbosity, optuna.logging.get_verbosity())
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        (folder / JOURNAL).unlink(missing_ok=True)
        storage = optuna.storages.JournalStorage(JournalFileBackend(str(folder / JOURNAL)))
        studies = []
        for index, generator in enumerate(grid.generators()):
            sampler = optuna.samplers.TPESampler(seed=search.seed + index, n_startup_trials=_AT_RANDOM)
            study = optuna.create_study(storage=storage, sampler=sampler, study_name=generator_name(generator))
            for width in (low, high):
                study.enqueue_trial({_WIDTH: width})
            studies.append((study, generator))

        widths = optuna.distributions.IntDistribution(low, high, log=True)
        planned: dict[str, dict[str, Any]] = {}
        records: Records = []
        for _ in range(search.num_widths):
            asked = []
            for study, generator in studies:
                trial = study.ask({_WIDTH: widths})
                sizes = {**generator, _WIDTH: trial.params[_WIDTH]}
                own = [{**sizes, "seed": seed, **common} for seed in grid.seeds]
                asked.append((study, trial, [trial_digest(each) for each in own]))
                planned |= zip(asked[-1][2], own, strict=True)
            records = run(list(planned.values()))
            found = {record["digest"]: record for record in records}
            for study, trial, digests in asked:
                judged = [judge_record(found[digest], rule) for digest in digests]
                scores = [each.score for each in judged if each.stable and each.score is not None]
                if len(scores) < max(1, rule.min_stable * len(judged)):
                    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                else:
                    study.tell(trial, geometric_mean(scores))
    return records


def search_bounds(grid: CapacityGrid) -> tuple[int, int]:
    """Return the smallest and the largest critic width of a grid for a search between them.

    Raises:
        ArgumentError: If they are the same.
        MissingOptionalLibraryError: If Optuna is not installed.
    """
    HAS_OPTUNA.require_now("the search for critic sizes")
    low, high = min(grid.critic_widths), max(grid.critic_widths)
    if low == high:
        raise ArgumentError(
            f"Argument `critic_widths` must hold two widths to search between, but is {grid.critic_widths}."
        )
    return low, high
