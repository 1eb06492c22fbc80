"""What was trained in a capacity study, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qiskit_qgen._version import __version__
from qiskit_qgen.studies.capacity.optimality import OptimalityRule


def setup_text(
    records: Sequence[Mapping[str, Any]],
    floors: Mapping[str, Any],
    pictures: Mapping[str, Sequence[int]],
    rule: OptimalityRule,
) -> str:
    """Return the data, sizes and settings of a study in words.

    Args:
        records: The trials' records.
        floors: The autoencoder's record.
        pictures: Shapes (N, C, H, W) of the pictures: ``data`` for training and ``held_out``.
        rule: When a training is stable, and which size optimal.
    """
    configurations = [record["configuration"] for record in records]
    training, codec = configurations[0]["training"], floors["configuration"]
    data, held_out = (" x ".join(map(str, pictures[name][1:])) for name in ("data", "held_out"))
    parts = [
        f"Pictures: {pictures['data'][0]} of {data} for training, {pictures['held_out'][0]} of {held_out} held out.",
        f"Autoencoder: {_arguments(codec['options'])}; {codec['steps']} steps of {codec['batch_size']}.",
        *_sizes(configurations),
        f"Trainings: {training['steps']} steps of {training['batch_size']}, scored every {training['score_every']} "
        f"steps by {training['num_samples']} samples against as many held-out pictures{_picture_scores(training)}.",
        *(f"Settings with a {kind} generator: {_arguments(given)}." for kind, given in training["model"].items()),
        f"Everything else: the defaults of StyleQGAN in qiskit_qgen {__version__}.",
        f"Rule: {_arguments(rule.to_dict())}.",
    ]
    return "*Setup.* " + " ".join(parts)


def _sizes(configurations: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the sizes of generators and critics, and the seeds."""

    def listed(name: str) -> str:
        return ", ".join(map(str, sorted({each[name] for each in configurations if name in each})))

    return [
        f"Quantum generators of {listed('num_qubits')} qubits and {listed('num_layers')} layers, classical ones of "
        f"widths {listed('generator_width')}, critics of widths {listed('critic_width')}, seeds {listed('seed')}."
    ]


def _picture_scores(training: Mapping[str, Any]) -> str:
    if training["extractor"] is None:
        return ""
    every = training["pictures_every"]
    when = "at the end" if every is None else f"every {every} steps"
    return f"; as pictures {when}, by the features of {training['extractor']}"


def _arguments(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in given.items()) or "the defaults"
