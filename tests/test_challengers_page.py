"""The code of docs/challengers.md runs as it stands."""

from qiskit_qgen.studies.challengers.settings import LEVELS
from tests.pages import read_page, run_blocks

PAGE = read_page("challengers.md")


def test_the_examples_of_the_page_run(capsys):
    names = run_blocks(PAGE)
    out = capsys.readouterr().out
    assert all(f"{level} generator: " in out for level in LEVELS if level != "search")
    assert (
        "Best of 3 trainings, drawn from 18 combinations, of 20 steps of 64 on 150 samples, scored on 50 others" in out
    )
    assert "| correlations, against the source | " in out
    assert list(names["models"]) == ["quantum", "shuffled", "gaussian-copula", "dirichlet-multinomial"]
    assert all(model.noise is names["rivals"][name] for name, model in names["models"].items())


def test_every_level_is_told():
    assert all(f'`"{level}"`' in PAGE for level in LEVELS)
