"""The style-qGAN on proton collisions, beside the sample that its authors generated (arXiv 2110.06933).

Events are rows of s, t and y. The published model trains on some events; the step is chosen by others; 100,000
generated events are scored against the rest. A score is the Kullback-Leibler divergence of 100-bin marginals,
logarithmic bins of s and t, as in the authors' code; since marginals see no correlation, Spearman's of s and t stands
beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from scipy import stats

from qiskit_qgen._typing import FloatArray
from qiskit_qgen.metrics import marginal_kl_divergence
from qiskit_qgen.models import AbstractGenerativeModel, StyleQGAN
from qiskit_qgen.models.base import count
from qiskit_qgen.networks.normalizers import AbstractNormalizer
from qiskit_qgen.persistence import atomic_path
from qiskit_qgen.studies.challengers.twins import classical_twin
from qiskit_qgen.studies.intervals import interval_text, mean_interval
from qiskit_qgen.studies.reproductions.outcome import Outcome, below, done_records
from qiskit_qgen.studies.tables import markdown_table
from qiskit_qgen.studies.trials.folder import kept_checkpoint, trial_folder
from qiskit_qgen.studies.trials.run import run_trials
from qiskit_qgen.training import Checkpoint, History, Scores, TrainingState
from qiskit_qgen.training.phases.base import AbstractGeneratorPhase

_PAPER, _BINS = "2110.06933", 100
_COLUMNS = ("kl_s", "kl_t", "kl_y")
_QUANTUM, _TWIN = "published circuit", "classical twin of as many weights"
_SHOWN = 20_000
_AXES = ("log10 s", "log10 -t", "y")
_SCORE = "mean_kl"
_EVENTS = "events.npy"
_AUTHORS = "the authors' generated sample"


def run_collisions(settings: Mapping[str, Any], data: tuple[str, str | None], folder: Path, **runner: Any) -> Outcome:
    """Train the circuit and its classical twin with every seed, and compare both with the authors' sample."""
    common = {name: value for name, value in settings.items() if name not in ("arms", "seeds")}
    configurations = [
        {"file": data[0], **common, "arm": arm, "seed": seed} for seed in settings["seeds"] for arm in settings["arms"]
    ]
    records = run_trials(train_on_collisions, configurations, folder, settings=common, **runner)
    events = Events.read(data[0], settings)
    rows: dict[str, list[dict[str, float]]] = {arm: [] for arm in settings["arms"]}
    drawn = {"real": events.held_out}
    for record in done_records(records):
        arm = record["configuration"]["arm"]
        generated = np.load(trial_folder(folder, record["digest"]) / _EVENTS)
        rows[arm].append(events.scores(generated) | {"step": record["result"]["step"]})
        drawn.setdefault(arm, generated)
    fixed = {
        _AUTHORS: events.scores(events.published),
        "normal distribution fitted to the preprocessed training events": events.scores(events.fitted_normal()),
        "training events": events.scores(events.train),
        "other real events": events.scores(events.validation),
    }
    drawn[_AUTHORS] = events.published
    return Outcome(
        **_verdict(rows, fixed),
        tables={"Scores against held-out real events": _table(rows, fixed, events)},
        marginals={"Marginals: real events, ours (first seed), and the authors' sample": (_AXES, _shown(drawn))},
    )


class Events:
    """Real events in three parts, and the authors' generated ones."""

    def __init__(self, real: FloatArray, published: FloatArray, num_train: int, num_validation: int) -> None:
        self.train, self.validation, self.held_out = np.split(real, [num_train, num_train + num_validation])
        self.published = published
        self.edges = _edges(real)

    @classmethod
    def read(cls, path: str, settings: Mapping[str, Any]) -> Events:
        """Read the authors' arrays from an ``.npz`` file."""
        with np.load(path) as file:
            real, published = (file[name].astype(float) for name in ("real100k_sty", "published_qgan100k_sty"))
        return cls(real, published, settings["num_train"], settings["num_validation"])

    def scores(self, events: FloatArray, real: FloatArray | None = None) -> dict[str, float]:
        """Return the divergences of the marginals, their mean, and Spearman's correlation of s and t."""
        real = self.held_out if real is None else real
        divergences = marginal_kl_divergence(events, real, edges=self.edges).tolist()
        correlation = float(stats.spearmanr(events[:, 0], events[:, 1]).statistic)
        known = dict(zip(_COLUMNS, divergences, strict=True))
        return {**known, _SCORE: float(np.mean(divergences)), "correlation": correlation}

    def fitted_normal(self) -> FloatArray:
        """Return as many events as the authors' of a normal distribution fitted to the preprocessed training events."""
        model, train = StyleQGAN.published(_PAPER), torch.from_numpy(_turned(self.train))
        normalizer = cast(AbstractNormalizer, model.networks["normalizer"])
        normalizer.fit(train)
        rows = normalizer(train).numpy()
        drawn = np.random.default_rng(0).multivariate_normal(rows.mean(0), np.cov(rows.T), len(self.published))
        return _turned(model.decode(torch.from_numpy(drawn.clip(-1, 1))))


def train_on_collisions(configuration: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train one arm with one seed, keep the events of the step that is nearest to the validation events."""
    events, seed = Events.read(configuration["file"], configuration), configuration["seed"]
    model: AbstractGenerativeModel = StyleQGAN.published(_PAPER)
    if configuration["arm"] == _TWIN:
        model = classical_twin(model, "weights").model

    def validate(state: TrainingState) -> float | None:
        if not state.step or not isinstance(state.phase, AbstractGeneratorPhase):
            return None
        drawn = _turned(model.decode(state.phase.sample(len(events.published), seed)))
        value = events.scores(drawn, events.validation)[_SCORE]
        if all(value < former for former in _distances(state.history, state.phase.name)):
            with atomic_path(folder / _EVENTS) as temporary, temporary.open("wb") as file:
                np.save(file, drawn.astype(np.float32))
        return value

    with kept_checkpoint(folder) as (checkpoint_dir, resume):
        history = model.fit(
            _turned(events.train),
            training=StyleQGAN.published_training(_PAPER, steps=configuration["steps"]),
            seed=seed,
            callbacks=[
                Scores({_SCORE: validate}, configuration["score_every"]),
                Checkpoint(configuration["score_every"]),
            ],
            checkpoint_dir=checkpoint_dir,
            resume=resume,
        )
    (phase,) = history.phases
    distances = _distances(history, phase)
    step = history.steps(phase, _SCORE)[int(np.argmin(distances))]
    return {_SCORE: distances, "step": step, "weights": count(model.networks["generator"])}


def _distances(history: History, phase: str) -> list[float]:
    return history.values(phase, _SCORE) if _SCORE in history.names(phase) else []


def _turned(rows: Any) -> FloatArray:
    """Return rows with their columns from last to first: the published code reads s from the last qubit."""
    return np.ascontiguousarray(np.asarray(rows, float)[:, ::-1])


def _edges(real: FloatArray) -> list[FloatArray]:
    """Return the bins of s, t and y: logarithmic, logarithmic in -t, and equal."""
    s, t, y = real.T
    places = np.geomspace(s.min(), s.max(), _BINS + 1), -np.geomspace(-t.min(), -t.max(), _BINS + 1)
    limits = [*places, np.linspace(y.min(), y.max(), _BINS + 1)]
    for each, column in zip(limits, real.T, strict=True):
        each[[0, -1]] = column.min(), column.max()
    return limits


def _shown(drawn: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return the columns as they are drawn, log10 of s and of -t."""
    return {
        name: np.column_stack([np.log10(rows[:_SHOWN, 0]), np.log10(-rows[:_SHOWN, 1]), rows[:_SHOWN, 2]])
        for name, rows in drawn.items()
    }


def _table(rows: Mapping[str, list[dict[str, float]]], fixed: Mapping[str, dict[str, float]], events: Events) -> str:
    keys = (_SCORE, *_COLUMNS, "correlation")
    lines: list[list[object]] = []
    for arm, found in rows.items():
        if found:
            cells = [interval_text(mean_interval([each[key] for each in found])) for key in (*keys, "step")]
            lines.append([arm, len(found), *cells])
    lines += [[name, "", *(f"{scores[key]:.3g}" for key in keys), ""] for name, scores in fixed.items()]
    real = events.scores(events.held_out)["correlation"]
    lines.append(["held-out real events", "", *("" for _ in keys[1:]), f"{real:.3g}", ""])
    titles = ("events", "seeds", "KL, mean of three", "KL of s", "KL of t", "KL of y", "correlation of s and t")
    return markdown_table((*titles, "chosen step"), lines)


def _verdict(rows: Mapping[str, list[dict[str, float]]], fixed: Mapping[str, dict[str, float]]) -> dict[str, Any]:
    ours = mean_interval([each[_SCORE] for each in rows[_QUANTUM]])
    authors = fixed[_AUTHORS][_SCORE]
    normal = fixed["normal distribution fitted to the preprocessed training events"][_SCORE]
    reason = (
        f"The mean divergence of the three marginals is {interval_text(ours)} for our trainings and {authors:.3g} for "
        f"the authors' sample. A normal distribution without a circuit reaches {normal:.3g}, so the score "
        + ("shows no merit of a circuit." if normal <= ours["mean"] else "tells the circuit from it.")
    )
    return {"verdict": below(ours, authors), "reason": reason}
