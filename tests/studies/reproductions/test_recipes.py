"""Recipes: each is complete, its settings are those of its run, and missing data are named with where to get them."""

import re

import pytest

from qiskit_qgen import StyleQGAN
from qiskit_qgen.exceptions import ArgumentError, DatasetError
from qiskit_qgen.models import HybridGANConfig, QuantumDiffusionConfig, StyleQGANConfig, StyleQGANTraining
from qiskit_qgen.studies import ArmSettings, AutoencoderSettings, CapacityGrid, CapacityTraining, OptimalityRule
from qiskit_qgen.studies.arms.design import LOW_DATA, PLACEMENT
from qiskit_qgen.studies.reproductions.recipe import load_recipe, recipe_names
from qiskit_qgen.studies.reproductions.run import KINDS

SIZES = ("quick", "default", "full")
ALL = [(name, size) for name in recipe_names() for size in SIZES]


def test_the_tasks_of_all_papers_are_there():
    papers = {load_recipe(name).paper for name in recipe_names()}
    assert papers == {"2110.06933", "2406.02668", "2507.09706", "2504.00034", "2601.05036"}


@pytest.mark.parametrize(("name", "size"), ALL)
def test_each_recipe_says_what_a_page_needs(name, size):
    recipe = load_recipe(name, size)
    assert recipe.kind in KINDS
    assert recipe.claim.endswith(".")
    assert recipe.rule.startswith("Reproduced if")
    assert recipe.known
    assert recipe.ours
    assert recipe.deviations
    assert recipe.parts
    for part in recipe.parts:
        assert part.data.endswith(".")
        assert part.source.endswith(".")
        assert part.exact or "not" in part.data or "apart" in part.data


@pytest.mark.parametrize(("name", "size"), ALL)
def test_settings_are_those_of_the_run(name, size):
    recipe = load_recipe(name, size)
    for part in recipe.parts:
        tables = part.settings
        if recipe.kind in ("placement", "low_data"):
            design, config = {
                "placement": (PLACEMENT, HybridGANConfig),
                "low_data": (LOW_DATA, QuantumDiffusionConfig),
            }[recipe.kind]
            settings = ArmSettings.of(**tables["study"])
            config.of(**tables.get("model", {}))
            design.model.training_class.of(**tables.get("training", {}))
            assert {tuple(pair) for pair in tables["claims"]} <= set(design.pairs(settings.arms))
        elif recipe.kind == "capacity":
            CapacityGrid.of(**tables["grid"])
            AutoencoderSettings.of(**tables["autoencoder"])
            StyleQGANConfig.of(**tables["model"])
            StyleQGANTraining.of(**tables["training"])
            OptimalityRule.of(**tables["rule"])
            CapacityTraining.of(**tables["study"])
        elif recipe.kind == "latent_gans":
            training = StyleQGAN.published_training(tables["paper"], **tables["training"], steps=tables["steps"])
            assert training.steps == tables["steps"]


def test_the_full_size_is_that_of_the_publication():
    full = load_recipe("lastqgan-mnist", "full").parts[0].settings
    known = StyleQGAN.published_training("2406.02668")
    assert full["steps"] == known.steps
    assert full["training"]["autoencoder"]["steps"] == known.autoencoder.steps
    assert full["training"]["autoencoder"]["batch_size"] == known.autoencoder.batch_size


def test_missing_data_are_named_with_their_source(tmp_path):
    part = load_recipe("style-qgan-ttbar").parts[0]
    with pytest.raises(DatasetError, match=r"style_qgan_lhc.npz are needed: .*QTI-TH/style-qgan.*--data-dir"):
        part.locate(None)
    with pytest.raises(DatasetError, match=rf"{re.escape(str(tmp_path))} has no style_qgan_lhc.npz.*QTI-TH"):
        part.locate(tmp_path)


def test_known_data_are_taken_from_the_folder_or_by_name(tmp_path):
    part = load_recipe("lastqgan-mnist").parts[0]
    assert part.locate(None) == ("mnist", None)
    assert part.locate(tmp_path) == ("mnist", None)
    (tmp_path / "mnist").mkdir()
    assert part.locate(tmp_path) == ("mnist", str(tmp_path / "mnist"))


def test_an_unknown_name_is_refused():
    with pytest.raises(ArgumentError, match="style-qgan-ttbar"):
        load_recipe("style-qgan")
