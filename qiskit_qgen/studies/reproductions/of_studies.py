"""Reproductions that are a study of arms or of capacity on the paper's own task, with a verdict on its claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from qiskit_qgen.datasets import tile_image
from qiskit_qgen.studies.arms.result import ArmStudy
from qiskit_qgen.studies.arms.study import run_low_data_study, run_placement_study
from qiskit_qgen.studies.arms.verdicts import independent
from qiskit_qgen.studies.capacity.run import run_capacity_study
from qiskit_qgen.studies.capacity.study import CapacityStudy
from qiskit_qgen.studies.reproductions.outcome import Outcome, Verdict, joint

_ARMS = {"placement": run_placement_study, "low_data": run_low_data_study}
_LAW = "exponential"


def run_arms(
    study: str, settings: Mapping[str, Any], data: tuple[str, str | None], folder: Path, **runner: Any
) -> Outcome:
    """Run a study of arms, and judge the comparisons ``claims``: pairs of an arm and what it is claimed to beat."""
    tables = dict(settings)
    claims, own = tables.pop("claims"), tables.pop("study")
    found = _ARMS[study](data[0], folder, data_dir=data[1], **tables, **own, **runner)
    found.save(folder)
    verdicts = {tuple(pair): _judged(found, pair) for pair in claims}
    sentences = [f"{arm} against {other}: {_ratios(found, arm, other)}" for arm, other in verdicts]
    return Outcome(
        verdict=joint(list(verdicts.values())),
        reason="; ".join(sentences) + ". Ratios below 1 favour the claim.",
        tables={"Study": found.table()},
        images={
            f"{size} training images: samples of the first seed, not chosen": found.images(size) for size in found.sizes
        },
    )


def _judged(found: ArmStudy, pair: Sequence[str]) -> Verdict:
    """Return whether every extractor that is independent of the models shows the claimed difference, or its inverse."""
    judges = independent(found.extractors, found.backbone)
    own = [each for each in found.pooled if [each.arm, each.baseline] == list(pair) and each.extractor in judges]
    shown = [each for each in own if each.is_clear and found.is_fit(each.extractor, each.size)]
    if not own or len(shown) < len(own):
        return "cannot be told"
    signs = {each.difference["mean"] < 0 for each in shown}
    return "cannot be told" if len(signs) > 1 else "reproduced" if signs.pop() else "not reproduced"


def _ratios(found: ArmStudy, arm: str, other: str) -> str:
    """Return the ratio of scores by each extractor, with its interval."""
    texts = []
    for each in found.pooled:
        if (each.arm, each.baseline) == (arm, other):
            low, high = each.difference["low"], each.difference["high"]
            interval = "" if low is None or high is None else f" [{np.exp(low):.3g}, {np.exp(high):.3g}]"
            fit = "" if found.is_fit(each.extractor, each.size) else " (unfit)"
            texts.append(f"{np.exp(each.difference['mean']):.3g}{interval} by {each.extractor}{fit}")
    return ", ".join(texts) or "not compared"


def run_capacity(settings: Mapping[str, Any], data: tuple[str, str | None], folder: Path, **runner: Any) -> Outcome:
    """Run a capacity study on tiles of one satellite scene, and judge the claim of exponential growth."""
    tables = dict(settings)
    train, held_out, test = scene_tiles(data[0], **tables.pop("tiles"))
    own = tables.pop("study")
    found = run_capacity_study(train, held_out=held_out, test=test, folder=folder, **tables, **own, **runner)
    found.save(folder)
    verdict, reason = _capacity_verdict(found)
    return Outcome(verdict=verdict, reason=reason, tables={"Study": found.table()}, images={"Tiles of the scene": {
        "training": train[:: max(1, len(train) // 12)][:12, :3], "test": test[:: max(1, len(test) // 12)][:12, :3],
    }})  # fmt: skip


def scene_tiles(path: str, *, key: str, block: int, size: int, stride: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return tiles (N, C, size, size) of a scene for training, for choices and for the one look at the end.

    The scene is cut into square blocks, three, one and one of five for the three sets, all over the scene; tiles lie
    within blocks, so that no two sets share a pixel.
    """
    with np.load(path) as file:
        scene = torch.from_numpy(file[key])
    sets: tuple[list[Tensor], ...] = ([], [], [])
    for row, column in product(range(scene.shape[0] // block), range(scene.shape[1] // block)):
        part = scene[row * block : (row + 1) * block, column * block : (column + 1) * block]
        sets[max(0, (row + 2 * column) % 5 - 2)].append(tile_image(part, size=size, stride=stride).images)
    train, held_out, test = (torch.cat(each) for each in sets)
    return train, held_out, test


def _capacity_verdict(found: CapacityStudy) -> tuple[Verdict, str]:
    """Judge from what the study says of the critic and of the classical generator."""
    verdicts: list[Verdict] = []
    sentences = []
    content = found.to_dict()
    for target, result in found.analysis.scaling.items():
        allowed = content["may_conclude"][target]
        if not allowed["growth"]:
            verdicts.append("cannot be told")
            sentences.append(f"Whether the optimal {target} grows cannot be told from this design and score.")
        elif not result.growth_shown:
            verdicts.append("not reproduced")
            sentences.append(f"No growth of the optimal {target} is shown, though the design would show it.")
        elif not allowed["law"]:
            verdicts.append("cannot be told")
            sentences.append(f"The optimal {target} grows; by which law cannot be told.")
        else:
            verdicts.append("reproduced" if result.law == _LAW else "not reproduced")
            sentences.append(f"The optimal {target} grows; the law is {result.law or 'none told from the others'}.")
    return joint(verdicts), " ".join(sentences)
