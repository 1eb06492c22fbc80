"""The code of the pages that explain runs as it stands; their assertions are part of it."""

import re

import pytest

from tests.pages import DOCS, read_page, run_blocks


@pytest.mark.parametrize("name", ["theory_circuits.md", "theory_generative.md", "which_model.md"])
def test_the_code_of_the_page_runs(name):
    run_blocks(read_page(name))


def test_the_theory_of_shots_holds():
    names = run_blocks(read_page("theory_circuits.md"))
    assert abs(names["estimates"].std() / 0.0266 - 1) < 0.1  # sin(1) / sqrt(1000), of 2,000 draws


def test_the_recipes_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = run_blocks(read_page("recipes.md"))
    assert names["mine"].images.shape == (36, 1, 8, 8)
    assert names["few"].images.shape[0] == 50
    assert names["mixture"].shape == names["threes"].shape == (8, 1, 8, 8)
    assert not names["with_shots"].equal(names["with_noise"])
    assert {path.name for path in tmp_path.iterdir()} >= {
        "history.png",
        "samples.png",
        "threes.png",
        "walk.gif",
        "my-model",
    }


def test_the_gallery_shows_every_image_except_diagrams():
    shown = set(re.findall(r"\(static/([\w.-]+)\)", read_page("gallery.md")))
    there = {path.name for path in (DOCS / "static").iterdir() if path.suffix in {".png", ".gif", ".jpg"}}
    assert shown == there
