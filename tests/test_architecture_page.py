"""The code of docs/architecture.md runs as it stands."""

import re

import pytest

from tests.pages import DOCS, read_page, run_blocks

PAGE = read_page("architecture.md")


def test_what_the_page_says_how_to_add_runs(tmp_path, monkeypatch, capsys):
    from qiskit_qgen.datasets import load_dataset, loading

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "_IN_FILES", dict(loading._IN_FILES))
    names = run_blocks(PAGE)
    assert "torch.Size([2, 1, 8, 8])" in capsys.readouterr().out
    assert names["RowMeans"](8).num_features == 8
    assert load_dataset("stripes", split="test").class_names == ("rows", "columns")
    assert names["layer"](names["torch"].rand(2, 4)).shape == (2, 4)


@pytest.mark.parametrize("folder", sorted(set(re.findall(r"`((?:\w+/)+)`", PAGE)) - {"docs/"}))
def test_every_folder_of_the_map_is_there(folder):
    package = DOCS.parent / "qiskit_qgen"
    assert any((place / folder).is_dir() for place in (package, package / "models"))
