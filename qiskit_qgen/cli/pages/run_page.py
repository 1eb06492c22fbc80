"""The page of a run: what its folder holds, from the summary to the settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from qiskit_qgen.cli import run_folder as files
from qiskit_qgen.cli.circuit_report import duration
from qiskit_qgen.cli.classes import sentence_on
from qiskit_qgen.cli.pages.bars import class_cards, score_cards
from qiskit_qgen.cli.pages.costs import job_costs
from qiskit_qgen.cli.pages.embedding import markdown, own_json, write_page
from qiskit_qgen.cli.scoring import score_text
from qiskit_qgen.cli.toml_text import dump_tables, read_toml

_MOST_FRAMES = 60
_IMAGES = {  # file, heading, what is to be seen
    files.RECONSTRUCTIONS: (
        "Reconstructions",
        "Test images above what the autoencoder makes of them: the best that the generator can reach.",
    ),
    files.NEAREST: (
        "Nearest training images",
        "Samples above the training images nearest to them, by pixels. A sample that equals the one below is a copy.",
    ),
    "marginals.png": ("Marginals", "The distribution of each column, generated and real."),
    "pairs.png": ("Pairs of columns", "Each column over each other one, generated and real."),
}
_KNOWN = (files.SAMPLES, files.HISTORY_IMAGE, files.CIRCUIT, *_IMAGES)


def write_run_page(folder: Path) -> Path:
    """Write the page of the run in ``folder``, finished or not, and return its path.

    Raises:
        ArgumentError: If the folder holds no readable settings.
        CheckpointError: If another file of the run is damaged.
    """
    settings = read_toml(folder / files.CONFIG)
    record = own_json(folder / files.RECORD) or {}
    scores = own_json(folder / files.SCORES)
    images = [
        {"title": title, "path": folder / name, "text": text}
        for name, (title, text) in _IMAGES.items()
        if (folder / name).exists()
    ]
    images += [
        {"title": path.stem.replace("_", " ").capitalize(), "path": path, "text": ""}
        for path in sorted(folder.glob("*.png"))
        if path.name not in _KNOWN and not path.name.startswith(".")
    ]
    curves, reading = _curves(folder / files.HISTORY)
    content = {
        "title": folder.resolve().name,
        "kind": "Training",
        "folder": folder,
        "model_name": settings.get("model", {}).get("class_name", "Model"),
        "finished": bool(record.get("finished")),
        "environment": {**record.get("machine", {}), **record.get("versions", {})},
        "lead": _lead(settings, record),
        "result": _result(scores),
        "tiles": _tiles(settings, record, scores),
        "samples": _present(folder / files.SAMPLES),
        "frames": _frames(folder / files.PROGRESS),
        "images": images,
        "scores": scores,
        "cards": [] if scores is None else score_cards(scores),
        "latent_cards": score_cards(scores["latent"]) if scores and scores.get("latent") else [],
        "class_cards": class_cards(scores["recognition"]) if scores and "recognition" in scores else [],
        "classifier": sentence_on(scores["recognition"]) if scores and "recognition" in scores else "",
        "table": "" if scores is None else score_text(scores),
        "curves": curves,
        "reading": markdown(reading),
        "circuit": _present(folder / files.CIRCUIT),
        "costs": job_costs(settings.get("training", {}).get("execution"), record),
        "settings": {name: dump_tables({name: table}) for name, table in settings.items()},
        "contents": sorted(path.name + "/" * path.is_dir() for path in folder.iterdir() if path.name != files.REPORT),
    }
    return write_page(folder, "run.html", content)


def _present(path: Path) -> Path | None:
    return path if path.exists() else None


def _lead(settings: Mapping[str, Any], record: Mapping[str, Any]) -> str:
    """Say in one sentence what was trained, on what."""
    model, data = settings.get("model", {}), settings.get("data", {})
    parts = [part for part in (model, *model.values()) if isinstance(part, Mapping) and "num_qubits" in part]
    circuit = f" with a circuit of {parts[0]['num_qubits']} qubits" if parts else ""
    if parts and "num_layers" in parts[0]:
        circuit += f" and {parts[0]['num_layers']} layers"
    number = f"{record['trained_on']:,} samples" if "trained_on" in record else "the samples"
    steps = f"{settings.get('training', {}).get('steps', 0):,} steps"
    verb = "trained" if record.get("finished") else "in training"
    name = Path(str(data.get("name", "its data"))).name
    return f"A {model.get('class_name', 'model')}{circuit}, {verb} for {steps} on {number} of {name}."


def _result(scores: Mapping[str, Any] | None) -> str:
    """Say in one sentence what came out, if that was scored."""
    if scores is None:
        return "It has not been scored yet."
    judged = [card for card in score_cards(scores) if card["bars"]]
    unfit = [card["title"] for card in judged if card["unfit"]]
    sentence = (
        f"{len(judged)} scores compare {scores['num_samples']:,} generated with {scores['num_real']:,} real samples"
    )
    if not unfit:
        return f"{sentence}; by all of them the model is better than every trivial baseline."
    return f"{sentence}; by {len(judged) - len(unfit)} of them the model is better than every trivial baseline."


def _tiles(
    settings: Mapping[str, Any], record: Mapping[str, Any], scores: Mapping[str, Any] | None
) -> list[tuple[str, str, str]]:
    """Return title, value and small print of the figures at the top."""
    tiles = []
    for card in score_cards(scores)[:2] if scores else ():
        bars = {bar["name"]: bar for bar in card["bars"]}
        floors = [f"{name} {bar['text']}" for name, bar in bars.items() if bar["kind"] == "floor"]
        tiles.append((card["title"], bars["generated"]["text"], " · ".join(floors)))
    weights = record.get("weights", {})
    if weights:
        name = "generator" if "generator" in weights else next(iter(weights))
        tiles.append((f"Weights of the {name}", f"{weights[name]:,}", f"of {sum(weights.values()):,} in all networks"))
    seconds = record.get("seconds", {})
    if seconds:
        longest = max(seconds, key=lambda part: float(seconds[part]))
        tiles.append(("Time", duration(sum(seconds.values())), f"longest: {longest}, {duration(seconds[longest])}"))
    steps = settings.get("training", {}).get("steps")
    tiles.append(("Steps", f"{steps:,}" if steps else "-", f"seed {record.get('seed', '-')}"))
    return tiles


def _frames(folder: Path) -> list[dict[str, Any]]:
    """Return the grids of a training in its order, at most ``_MOST_FRAMES`` of them, evenly chosen."""
    paths = [path for path in folder.glob("*-*.png") if path.stem.rpartition("-")[2].isdecimal()]
    first: dict[str, int] = {}
    for path in sorted(paths, key=lambda each: each.stat().st_mtime_ns):
        first.setdefault(path.stem.rpartition("-")[0], len(first))
    paths.sort(key=lambda each: (first[each.stem.rpartition("-")[0]], each.stem))
    stride = max(1, -(-len(paths) // _MOST_FRAMES))
    chosen = paths[::-1][::stride][::-1]  # with the last one
    return [
        {"path": path, "phase": phase, "step": int(step)}
        for path, (phase, _, step) in ((path, path.stem.rpartition("-")) for path in chosen)
    ]


def _curves(path: Path) -> tuple[dict[str, list[Markup]], str]:
    """Return a drawing of each loss and score, by phase, and how the curves are read, if there is something to say."""
    content = own_json(path)
    if content is None:
        return {}, ""
    from qiskit_qgen.plotting import plot_history
    from qiskit_qgen.plotting.history import READING, has_wasserstein_critic
    from qiskit_qgen.plotting.themed import themed_svg
    from qiskit_qgen.training import History

    history = History.load(path)
    found: dict[str, list[Markup]] = {}
    for phase in history.phases:
        for name in history.names(phase):
            series = content["phases"][phase][name]
            alone = History.from_dict({"phases": {phase: {name: series}}, "seconds": {}})
            drawn = themed_svg(plot_history, alone, name=f"{phase} {name}", note=False)
            found.setdefault(phase, []).append(Markup(drawn))  # noqa: S704 - names are escaped by matplotlib
    return found, READING if has_wasserstein_critic(history) else ""
