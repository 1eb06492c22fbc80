"""The pages of reproductions are those of their records, and a quick run is never among these."""

import json

import pytest

from benchmarks.reproduce import PAGES, RECORDS, pages
from qiskit_qgen.studies.reproductions.recipe import load_recipe

NAMES = [path.stem for path in sorted(RECORDS.glob("*.json"))]


def test_the_pages_are_those_of_the_records():
    written = {path.name: path.read_text() for path in PAGES.glob("*.md")}
    assert written == pages()


@pytest.mark.parametrize("name", NAMES)
def test_records_are_of_whole_runs_with_the_settings_of_today(name):
    content, recipe = json.loads((RECORDS / f"{name}.json").read_text()), load_recipe(name)
    assert content["size"] == "default"
    assert [part["settings"] for part in content["parts"]] == [part.settings for part in recipe.parts]
    for part in content["parts"]:
        assert all((PAGES.parent / "static/reproductions" / file).is_file() for file in part["figures"].values())
