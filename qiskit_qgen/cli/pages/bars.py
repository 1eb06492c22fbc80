"""Scores as bars: the model's, with its interval, beside floors and trivial baselines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from qiskit_qgen.cli.classes import TITLES
from qiskit_qgen.cli.scoring import BASELINE_TITLES, score_titles
from qiskit_qgen.metrics.fitness import HIGHER_IS_BETTER

_BEYOND = 1.5  # a baseline that is so many times the others is cut off
_KINDS = {
    "generated": "model",
    "oversampled": "model",
    "mixture": "baseline",
    "reconstructed": "floor",
    "real": "floor",
}
_FLOORS = {"floor_reconstruction": "reconstructed", "floor_real": "other real"}


def score_cards(scores: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a card for each score: its title, in which direction it is better, what it is fit for, and its bars.

    Lengths and ends of intervals are in percent of the card's width.
    """
    cards = []
    for key, title in score_titles(scores).items():
        if scores.get(key) is None:
            continue
        bars = [_bar("generated", "model", scores, key)]
        floors = ((name, scores.get(place)) for place, name in _FLOORS.items())
        bars += [_bar(name, "floor", found, key) for name, found in floors if found and found.get(key) is not None]
        known = scores.get("baselines") or {}
        bars += [
            _bar(name, "baseline", known[each], key)
            for each, name in BASELINE_TITLES.items()
            if key in known.get(each, ())
        ]
        judged = (scores.get("unfit") or {}).get(key)
        cards.append(
            {
                "title": title[:1].upper() + title[1:],
                "better": "higher" if key in HIGHER_IS_BETTER else "lower",
                "unfit": "" if judged is None else "ranking only" if judged["can_rank"] else "unfit",
                "sentence": "" if judged is None else judged["sentence"],
                "bars": _scaled(bars),
            }
        )
    return cards


def class_cards(recognition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a card for what a classifier of real images says of the classes, with bars from 0 to 100 %."""
    cards = []
    for key, title, better in (("recognised", "Class recognised", "higher"), ("muddled", "Muddled images", "lower")):
        values = {name: found[key] for name, found in recognition["sets"].items() if found[key] is not None}
        bars = [
            {"name": word, "kind": _KINDS[name], "value": values[name], "low": None, "high": None}
            for name, word in {**TITLES, "oversampled": "chosen"}.items()  # which fits beside its bar
            if name in values
        ]
        for bar in _scaled(bars, top=1.0):
            bar["text"] = f"{bar['value']:.0%}"
        cards.append({"title": title, "better": better, "unfit": "", "sentence": "", "bars": bars})
    return cards


def _bar(name: str, kind: str, scores: Mapping[str, Any], key: str) -> dict[str, Any]:
    low, high = scores.get(f"{key}_interval") or (None, None)
    return {"name": name, "kind": kind, "value": float(scores[key]), "low": low, "high": high}


def _scaled(bars: list[dict[str, Any]], top: float | None = None) -> list[dict[str, Any]]:
    """Return the bars with their lengths, as part of ``top``; None cuts off baselines far beyond all else."""
    top = _top(bars) if top is None else top

    def percent(value: float) -> float:
        return round(100 * min(max(value / top, 0.0), 1.0), 2)

    for bar in bars:
        bar |= {"text": _text(bar["value"]), "length": percent(bar["value"]), "is_cut": bar["value"] > top}
        bar["interval"] = "" if bar["low"] is None else f"{_text(bar['low'])} to {_text(bar['high'])}"
        if bar["low"] is not None and bar["low"] < top:
            bar |= {"from": percent(bar["low"]), "width": round(percent(bar["high"]) - percent(bar["low"]), 2)}
    return bars


def _text(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _top(bars: Iterable[Mapping[str, Any]]) -> float:
    """Return the value at the right end."""
    bars = list(bars)
    main = max(each["high"] or each["value"] for each in bars if each["kind"] != "baseline")
    whole = max(each["high"] or each["value"] for each in bars)
    top = whole if whole <= _BEYOND * main else _BEYOND * main
    return top if top > 0 else 1.0
