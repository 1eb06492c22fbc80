"""The code of docs/challengers.md runs as it stands."""

import re
from pathlib import Path

from qiskit_qgen.studies.challengers.settings import LEVELS

PAGE = (Path(__file__).parents[1] / "docs" / "challengers.md").read_text(encoding="utf-8")


def test_the_examples_of_the_page_run(capsys):
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, names)  # noqa: S102 - the page is ours
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
