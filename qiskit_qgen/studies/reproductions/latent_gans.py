"""A latent style-based GAN by its paper's settings, with twins and baselines in one latent (arXiv 2406.02668).

One autoencoder is shared by all trials. Arms are the circuit and its classical twins; the trial "baselines" scores what
takes no training of a generator. All samples are scored once, against test images, with as many samples.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from filelock import FileLock
from torch import Tensor

from qiskit_qgen.datasets import ImageDataset, load_dataset
from qiskit_qgen.metrics import FeatureCache, evaluate_images, fitted_baselines, judge_score, standard_normal
from qiskit_qgen.models import StyleQGAN
from qiskit_qgen.models.base import count
from qiskit_qgen.studies.arms.samples import SAMPLES, read_samples, write_samples
from qiskit_qgen.studies.arms.trial import BASELINES_ARM
from qiskit_qgen.studies.challengers.twins import classical_twin
from qiskit_qgen.studies.intervals import Interval, interval_text, mean_interval
from qiskit_qgen.studies.reproductions.outcome import Outcome, below, done_records
from qiskit_qgen.studies.tables import markdown_table
from qiskit_qgen.studies.trials.folder import kept_checkpoint, trial_folder
from qiskit_qgen.studies.trials.run import run_trials

_CIRCUIT, _TWINS = "circuit", {"twin, equal weights": "weights", "twin, equal width": "width"}
_RECONSTRUCTIONS = "reconstructions"
_TITLES = {
    _RECONSTRUCTIONS: "reconstructions (floor)",
    "standard_normal": "N(0, I) in the latent",
    "gaussian": "fitted Gaussian",
    "mixture": "fitted mixture by class",
}
_SCORES = {
    "frechet_distance": "Fréchet distance",
    "jensen_shannon_divergence": "JSD",
    "precision": "precision",
    "coverage": "coverage",
}
_SHOWN = 12


def run_latent_gans(settings: Mapping[str, Any], data: tuple[str, str | None], folder: Path, **runner: Any) -> Outcome:
    """Train the circuit and its twins with every seed, and compare them with each other and with the baselines."""
    common = {"name": data[0], "data_dir": data[1], **settings}
    arms, seeds, extractors = (common.pop(each) for each in ("arms", "seeds", "extractors"))
    configurations = [{**common, "arm": arm, "seed": seed} for seed in seeds for arm in (BASELINES_ARM, *arms)]
    records = run_trials(train_latent_gan, configurations, folder, settings=common, **runner)
    done = done_records(records)
    test = _images(common, "test")
    scores = {extractor: _scored(done, folder, test, extractor) for extractor in extractors}
    weights = {each["configuration"]["arm"]: each["result"].get("weights") for each in done}
    tables = {f"Scores by {extractor}": _table(found, weights) for extractor, found in scores.items()}
    shown = {"test images": test.images[:_SHOWN]} | {
        _title(each, name): read_samples(trial_folder(folder, each["digest"]), name)[:_SHOWN]
        for each in done
        if each["configuration"]["seed"] == seeds[0]
        for name in each["result"]["sets"]
    }
    return Outcome(
        **_verdict(scores, arms),
        tables=tables,
        images={"Test images, and samples of the first seed, not chosen": shown},
    )


def train_latent_gan(configuration: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Train one arm with one seed, and write its samples; or write those of what takes no training."""
    train, seed, number = _images(configuration, "train"), configuration["seed"], configuration["num_samples"]
    base = _with_autoencoder(configuration, folder.parents[1], train)
    if configuration["arm"] == BASELINES_ARM:
        test = _images(configuration, "test")
        latents = cast(Tensor, base.encoded(train))
        fitted = fitted_baselines(latents, number, labels=train.labels, seed=seed)
        drawn = {
            "standard_normal": standard_normal(number, latents.shape[1], seed=seed),
            "gaussian": fitted["gaussian"],
            "mixture": fitted["mixture"],
        }
        sets = {_RECONSTRUCTIONS: base.reconstruct(test.images)}
        sets |= {name: base.decode_latents(each) for name, each in drawn.items()}
        for name, images in sets.items():
            write_samples(folder, images, name)
        return {"sets": list(sets)}
    twin = _TWINS.get(configuration["arm"])
    model = base if twin is None else classical_twin(base, twin).model
    training = _training(configuration, steps=configuration["steps"], autoencoder_steps=0)
    with kept_checkpoint(folder) as (checkpoint_dir, resume):
        model.fit(
            train.images, training=training, seed=seed, callbacks=[], checkpoint_dir=checkpoint_dir, resume=resume
        )
    write_samples(folder, model.sample(number, seed=seed))
    return {"sets": [SAMPLES], "weights": count(model.networks["generator"])}


def _title(record: Mapping[str, Any], name: str) -> str:
    """Return what a set of samples is called: the arm, or the baseline."""
    return str(record["configuration"]["arm"]) if name == SAMPLES else _TITLES[name]


def _images(configuration: Mapping[str, Any], split: str) -> ImageDataset:
    """Return the images of a split; of test images, as many as there are samples."""
    drawn = {} if split == "train" else {"num_images": configuration["num_samples"]}
    return load_dataset(configuration["name"], split=split, data_dir=configuration["data_dir"], **drawn)


def _training(configuration: Mapping[str, Any], **changes: Any) -> Any:
    return StyleQGAN.published_training(configuration["paper"], **{**configuration["training"], **changes})


def _with_autoencoder(configuration: Mapping[str, Any], folder: Path, train: ImageDataset) -> StyleQGAN:
    """Return the untrained model with the trained autoencoder of all trials, which the first call trains."""
    place = folder / "autoencoder"
    with FileLock(folder / "autoencoder.lock"):
        if not (place / "model").exists():
            model = StyleQGAN.published(configuration["paper"])
            training = _training(configuration, steps=1)
            model.fit(train.images, training=training, seed=0, callbacks=[], checkpoint_dir=place / "run", resume=True)
            model.save_pretrained(place / "model")
    trained: StyleQGAN = StyleQGAN.from_pretrained(place / "model")
    return StyleQGAN.published(configuration["paper"], autoencoder=trained.networks["autoencoder"])


Scored = dict[str, dict[int, dict[str, float]]]
"""Scores by arm or baseline and seed."""


def _scored(records: list[dict[str, Any]], folder: Path, test: ImageDataset, extractor: str) -> Scored:
    """Return the scores of all samples by one extractor."""
    cache, found = FeatureCache(), cast(Scored, {})
    for record in records:
        arm, seed = record["configuration"]["arm"], record["configuration"]["seed"]
        for name in record["result"]["sets"]:
            samples = read_samples(trial_folder(folder, record["digest"]), name)
            scores = evaluate_images(samples, test.images, extractor=extractor, floors=False, seed=0, cache=cache)
            known = found.setdefault(arm if name == SAMPLES else name, {})
            known[seed] = {each: scores[each] for each in _SCORES if each in scores}
    return found


def _intervals(scored: Scored) -> dict[str, dict[str, Interval]]:
    return {
        name: {key: mean_interval([each[key] for each in seeds.values()]) for key in next(iter(seeds.values()))}
        for name, seeds in scored.items()
    }


def _table(scored: Scored, weights: Mapping[str, int | None]) -> str:
    titles = ("generator", "weights", "seeds", *_SCORES.values(), "Fréchet distance less the circuit's")
    lines = []
    for name, found in _intervals(scored).items():
        gap = _gap(scored, name) if name in _TWINS else None
        cells = (interval_text(found[key]) if key in found else "" for key in _SCORES)
        number = weights.get(name)
        lines.append(
            (
                _TITLES.get(name, name),
                number or "",
                len(scored[name]),
                *cells,
                "" if gap is None else interval_text(gap),
            )
        )
    return markdown_table(titles, lines)


def _gap(scored: Scored, arm: str) -> Interval:
    """Return the paired difference of Fréchet distances, an arm's less the circuit's."""
    seeds = sorted(set(scored[arm]) & set(scored[_CIRCUIT]))
    key = "frechet_distance"
    return mean_interval([scored[arm][seed][key] - scored[_CIRCUIT][seed][key] for seed in seeds])


def _verdict(scores: Mapping[str, Scored], arms: list[str]) -> dict[str, Any]:
    """Judge by every extractor whether the circuit is at least as good as the twin of as many weights."""
    twin = "twin, equal weights"
    sentences, verdicts = [], set()
    for extractor, scored in scores.items():
        known = _intervals(scored)
        fit = judge_score(
            "frechet_distance",
            {arm: known[arm]["frechet_distance"] for arm in arms},
            {name: known[name]["frechet_distance"] for name in ("standard_normal", "gaussian", "mixture")},
        )
        gap = _gap(scored, twin)
        verdicts.add(_negated(below(gap, 0.0)) if fit.can_rank else "cannot be told")
        sentences.append(
            f"By {extractor}, the twin of as many weights is {interval_text(gap)} farther from the test images than "
            f"the circuit. {fit.sentence}".strip()
        )
    verdict = verdicts.pop() if len(verdicts) == 1 else "cannot be told"
    return {"verdict": verdict, "reason": " ".join(sentences)}


def _negated(verdict: str) -> str:
    """Return the verdict on the circuit, from that on whether its twin is nearer than it."""
    return {"reproduced": "not reproduced", "not reproduced": "reproduced"}.get(verdict, verdict)
