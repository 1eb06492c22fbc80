"""The check of prose finds a phrase wherever its line breaks."""

import importlib.util
from pathlib import Path

import pytest

SPEC = importlib.util.spec_from_file_location("phrases", Path(__file__).parents[1] / ".ci" / "phrases.py")
PHRASES = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(PHRASES)


@pytest.mark.parametrize("space", [" ", "\n    ", "\n    # ", '\\n",\n    "'])
@pytest.mark.parametrize(("words", "better"), [(["But", "for"], "except for"), (["told", "apart"], "distinguish")])
def test_a_phrase_is_found(words, better, space):
    ((line, _, advice),) = PHRASES.unwanted(f"One.\nThe same {space.join(words)} the angle.")
    assert (line, advice) == (2, better)


@pytest.mark.parametrize(
    "text",
    ["There is no path.", "All but forty.", "The readout error of Qiskit.", "A pictured `read_out`.", "is nothing"],
)
def test_other_words_are_left_alone(text):
    assert PHRASES.unwanted(text) == []
