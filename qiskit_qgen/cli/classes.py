"""What a run shows and tells of a model's classes: samples of each, and how a classifier of real images sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from qiskit_qgen.metrics import LabelFeatureExtractor

SURE = 0.6  # an image is muddled if no class has so much of a classifier's probability
_SHOWN, _MOST_SHOWN = 10, 20  # samples of each class; classes
TITLES = {
    "generated": "generated",
    "oversampled": "the critic's choice",
    "mixture": "mixture",
    "reconstructed": "reconstructed",
    "real": "real",
}


def samples_by_class(model: Any, seed: int) -> dict[str, Tensor]:
    """Return ten samples of each class by its name, of the first twenty classes."""
    shown = range(min(model.num_classes, _MOST_SHOWN))
    rows = model.sample(class_counts=dict.fromkeys(shown, _SHOWN), seed=seed).split(_SHOWN)
    names = map(str, shown) if model.class_names is None else model.class_names
    return dict(zip(names, rows, strict=False))


def recognition(model: Any, train: Any, real: Any, *, seed: int, oversample: int = 1) -> dict[str, Any]:
    """Return how a classifier of the training images' labels sees what the model makes of the classes of ``real``.

    Returns:
        `classifier`, its `accuracy` on images that it was not trained on, and for each set of images, by the names
        "generated", "oversampled" (with ``oversample`` above 1), "mixture" and "reconstructed" (of a model with an
        autoencoder) and "real": `muddled`, the part of which no class has 0.6 of the classifier's probability, and
        `recognised`, the part that it takes for the class asked for (None for the mixture).
    """
    from qiskit_qgen.metrics import LabelFeatureExtractor
    from qiskit_qgen.metrics.baselines import fitted_baselines

    classifier = LabelFeatureExtractor(train)
    asked = {"num_samples": len(real), "labels": real.labels, "seed": seed}
    sets = {"generated": model.sample(**asked)}
    if oversample > 1:
        sets["oversampled"] = model.sample(**asked, oversample=oversample)
    latents = model.encoded(train)
    if latents is not None:
        drawn = fitted_baselines(latents, len(real), labels=train.labels, seed=seed)["mixture"]
        sets["mixture"] = model.decode_latents(drawn)
        sets["reconstructed"] = model.reconstruct(real)
    sets["real"] = real.images
    found = {name: _seen(classifier, images, real.labels) for name, images in sets.items()}
    if "mixture" in found:
        found["mixture"]["recognised"] = None  # nothing was asked for
    return {"classifier": classifier.name, "accuracy": classifier.accuracy, "sure": SURE, "sets": found}


def _seen(classifier: LabelFeatureExtractor, images: Tensor, labels: Tensor) -> dict[str, float | None]:
    best = classifier.logits(classifier(images)).softmax(1).max(1)
    return {
        "muddled": float((best.values < SURE).double().mean()),
        "recognised": float((best.indices == labels).double().mean()),
    }


def describe(found: Mapping[str, Any]) -> str:
    """Return the lines of a report."""
    known = {title: found["sets"][name] for name, title in TITLES.items() if name in found["sets"]}
    lines = [f"{'Classes':<26}" + "".join(f"{title:>22}" for title in known)]
    for key, title in (("muddled", "muddled"), ("recognised", "class recognised")):
        values = ("-" if each[key] is None else f"{each[key]:.1%}" for each in known.values())
        lines.append(f"{title:<26}" + "".join(f"{value:>22}" for value in values))
    return "\n".join([*lines, sentence_on(found)])


def sentence_on(found: Mapping[str, Any]) -> str:
    """Return how the numbers of a report are meant."""
    return (
        f"A classifier of the training images, which tells {found['accuracy']:.1%} of labels of unseen ones, calls an "
        f"image muddled if no class has {found['sure']} of its probability."
    )
