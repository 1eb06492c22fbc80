import csv
import json

from qiskit_qgen.studies.tables import done_text, markdown_table, percent, save_results


def test_a_table_has_a_line_for_each_row_and_as_many_cells():
    assert markdown_table(("a", "b"), [(1, "x"), (2.5, "")]) == "| a | b |\n| --- | --- |\n| 1 | x |\n| 2.5 |  |"


def test_texts_of_shares_and_of_trials_that_are_done():
    assert percent(0.256) == "26 %"
    assert done_text({"num_trials": 2, "planned": 2}) == "2"
    assert done_text({"num_trials": 1, "planned": 2}) == "1 of 2"


def test_results_are_written_as_text_numbers_and_rows(tmp_path):
    rows = [{"name": "a", "score": 1.5}, {"name": "b, c", "score": None}]
    folder = save_results(tmp_path / "new", "study", text="| x |", content={"y": [1]}, rows=rows)
    assert (folder / "study.md").read_text() == "| x |\n"
    assert json.loads((folder / "study.json").read_text()) == {"y": [1]}
    lines = csv.reader((folder / "study.csv").read_text().splitlines())
    assert list(lines) == [["name", "score"], ["a", "1.5"], ["b, c", ""]]
    save_results(tmp_path, "other", text="", content={})
    assert not (tmp_path / "other.csv").exists()
