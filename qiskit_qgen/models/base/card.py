"""The model card: the README.md of a saved model, in the format of the Hugging Face Hub."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qiskit_qgen._checks import check_type
from qiskit_qgen._version import __version__
from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.metrics.baselines import BASELINES
from qiskit_qgen.persistence.pretrained import SAMPLES_FILE

if TYPE_CHECKING:
    from qiskit_qgen.models.base import AbstractGenerativeModel

_READING = (
    "Fit for nothing: a baseline that has learnt nothing is at least as good as the model. Fit for ranking: only the "
    "fitted mixture is."
)
_FLOORS = {
    "floor_real": "real against real",
    "floor_reconstruction": "reconstructions",
}
_NO_SCORES = (
    "num_features",
    "num_samples",
    "num_real",
    "subset_size",
    "subsets",
    "bins",
    "seed",
    "oversample",
    "extractor_accuracy",
    "inception_score_splits",
)


def model_card(
    model: AbstractGenerativeModel,
    data: str | None,
    scores: Mapping[str, Any] | None,
    license: str | None,  # noqa: A002
    samples: int = 0,
) -> str:
    """Return the text of a model card.

    Args:
        model: The model.
        data: A short description of the training data; None for unknown.
        scores: The result of ``evaluate``; None for unknown.
        license: The license's identifier on the Hub, such as "apache-2.0"; None leaves the field open.
        samples: Number of samples in the image that it shows; 0 for no image.

    Raises:
        ArgumentError: If ``scores`` is not a result of ``evaluate``.
        ArgumentTypeError: If an argument has the wrong type.
    """
    for name, value in (("data", data), ("license", license)):
        check_type(name, value, (str, type(None)), "a text or None")
    check_type("scores", scores, (Mapping, type(None)), "a result of `evaluate` or None")
    kind = type(model).__name__
    what = "rows of a table" if model.image_shape is None else f"images of shape {tuple(model.image_shape)}"
    task = "tabular" if model.image_shape is None else "unconditional-image-generation"
    parts = [
        _head(kind, task, license),
        f"# {kind}",
        f"A generative model of {what}, made with [qiskit_qgen](https://pypi.org/project/qiskit_qgen) {__version__}.",
        f"```text\n{model.summary()}\n```",
        *([_circuit(model)] if model.circuit is not None else []),
        *(["## Samples", f"![{samples} samples]({SAMPLES_FILE})", "Drawn with seed 0, not chosen."] if samples else []),
        "## Data",
        data or "Not told.",
        "## Scores",
        _scores(scores) if scores else "Not told: `model.evaluate(data)` gives them, with floors and baselines.",
        "## How to load it",
        f"```python\nfrom qiskit_qgen import {kind}\n\n"
        f'model = {kind}.from_pretrained("path/or/user/name"){_own(model)}\nsamples = model.sample(16, seed=0)\n```',
        "The folder holds no pickle, and loading executes nothing of it.",
        "## License",
        license or "Not told: add `license:` to the head of this file.",
    ]
    return "\n\n".join(parts) + "\n"


def _head(kind: str, task: str, license: str | None) -> str:  # noqa: A002
    lines = ["---", "library_name: qiskit_qgen"]
    if license is not None:
        lines.append(f"license: {json.dumps(license)}")
    lines += ["tags:", "- quantum", "- qiskit", f"- {kind}"]
    if task != "tabular":
        lines.append(f"pipeline_tag: {task}")
    return "\n".join([*lines, "---"])


def _circuit(model: AbstractGenerativeModel) -> str:
    assert model.circuit is not None  # noqa: S101 - the caller asked
    circuit = model.circuit.circuit
    gates = ", ".join(f"{number} {name}" for name, number in circuit.count_ops().items())
    return (
        f"Its circuit has {circuit.num_qubits} qubits, depth {circuit.depth()} and the gates {gates} (`circuit.qpy`)."
    )


def _own(model: AbstractGenerativeModel) -> str:
    """Return a note on the objects that you must pass to load the model."""
    own = [name for name, value in model.config.to_dict().items() if value == "custom"]
    return f"  # with {', '.join(f'{name}=...' for name in own)} of its author's own" if own else ""


def _scores(scores: Mapping[str, Any]) -> str:
    """Return a table of the scores with their floors and the conditions of the measurement."""
    if "num_samples" not in scores or "extractor" not in scores:
        raise ArgumentError(
            "Argument `scores` must be what `evaluate` returned, but has no `extractor` and `num_samples`."
        )
    columns = {"model": scores, **{title: scores[name] for name, title in _FLOORS.items() if scores.get(name)}}
    baselines = scores.get("baselines") or {}
    columns |= {BASELINES[name].title: each for name, each in baselines.items()}
    names = [
        name
        for name, value in scores.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and name not in _NO_SCORES
    ]
    lines = [["score", *columns, "fit for"], ["---"] * (len(columns) + 2)]
    lines += [
        [name, *(_number(each.get(name)) for each in columns.values()), _fitness(scores, name)]
        for name in names
        if not name.endswith("_std")
    ]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    number = f"{scores['num_samples']:,} samples against {scores.get('num_real', 0):,} real ones"
    return f"{number}; features: {scores['extractor']}.\n\n{table}\n\n{_READING}"


def _fitness(scores: Mapping[str, Any], name: str) -> str:
    """Return what may be concluded from a score, given what the baselines reach."""
    judged = (scores.get("unfit") or {}).get(name)
    return "all" if judged is None else "ranking" if judged["can_rank"] else "nothing"


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, (int, float)) else ""
