"""The search for critic sizes by Optuna, on trials whose best size is known."""

import json
import math
from statistics import geometric_mean

import numpy as np
import pytest
import small_trials
from qiskit.exceptions import MissingOptionalLibraryError

from qiskit_qgen.exceptions import ArgumentError
from qiskit_qgen.optionals import HAS_OPTUNA
from qiskit_qgen.studies import CapacityGrid, CapacitySearch, OptimalityRule, run_trials
from qiskit_qgen.studies.capacity.search import JOURNAL, search_critic_widths

optuna = pytest.importorskip("optuna")

GRID = CapacityGrid(num_qubits=(4,), num_layers=(1,), generator_widths=(8,), critic_widths=(4, 1024), seeds=(0, 1))
NAMES = ("4 qubits, 1 layer", "width 8")
BEST = 6.0  # of the logarithm of the width to base 2


def search(folder, *, num_widths=12, seed=0, unstable_above=10**6, on_trial=None):
    """Search, and return the widths that were trained of each generator, in their order, and all records."""

    def run(planned):
        return run_trials(small_trials.score, planned, folder, on_trial=on_trial)

    records = search_critic_widths(
        GRID,
        {"optimum": BEST, "unstable_above": unstable_above},
        OptimalityRule(),
        folder,
        search=CapacitySearch(num_widths=num_widths, seed=seed),
        run=run,
    )
    quantum = [each["configuration"] for each in records if each["configuration"]["generator"] == "quantum"]
    return list(dict.fromkeys(each["critic_width"] for each in quantum)), records


def calls(folder):
    return sum(len(path.read_text()) for path in folder.glob("trials/*/calls.txt"))


def test_the_search_begins_at_the_bounds_stays_within_and_comes_near_the_best(tmp_path):
    widths, records = search(tmp_path, num_widths=24)
    assert widths[:2] == [4, 1024]
    assert all(4 <= width <= 1024 for width in widths)
    assert min(abs(math.log2(width) - BEST) for width in widths) < 0.25
    late = [abs(math.log2(width) - BEST) for width in widths[6:]]
    # Uniform in the logarithm would be 2 away in the mean: 2 to 10, with the best at 6.
    assert np.mean(late) < 1.5
    assert len({record["digest"] for record in records}) == len(records)
    assert calls(tmp_path) == len(records)


def test_every_width_is_trained_with_every_seed_and_told_to_the_journal_of_its_generator(tmp_path):
    _, records = search(tmp_path, num_widths=5, unstable_above=900)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(tmp_path / JOURNAL)))
    assert sorted(each.study_name for each in optuna.get_all_study_summaries(storage)) == sorted(NAMES)
    for name, kind in zip(NAMES, ("quantum", "classical"), strict=True):
        trials = optuna.load_study(study_name=name, storage=storage).trials
        assert len(trials) == 5
        states = [trial.state.name for trial in trials]
        assert states[1] == "PRUNED"  # the largest wavers
        for trial in trials:
            width = trial.params["critic_width"]
            own = [each["configuration"] for each in records if each["configuration"]["generator"] == kind]
            assert [each["seed"] for each in own if each["critic_width"] == width] == [0, 1]
            if trial.state.name == "COMPLETE":
                off = 1 + abs(math.log2(width) - BEST)
                assert trial.value == pytest.approx(geometric_mean([off, off + 0.01]))
    assert json.loads((tmp_path / "plan.json").read_text())[0]["digest"] == records[0]["digest"]


def test_the_same_seed_proposes_the_same_and_another_seed_other_widths(tmp_path):
    first, records = search(tmp_path / "1")
    again, others = search(tmp_path / "2")
    assert (again, others) == (first, records)
    assert search(tmp_path / "3", seed=7)[0] != first
    # one more width goes on from those before
    more, _ = search(tmp_path / "1", num_widths=14)
    assert more[: len(first)] == first


def test_interrupted_again_and_again_a_search_ends_with_the_trials_of_an_uninterrupted_one(tmp_path):
    _, whole = search(tmp_path / "whole")
    folder = tmp_path / "stopped"
    generator = np.random.default_rng(2)
    stops = 0
    while stops < 10:
        left = int(generator.integers(1, 5))

        def stop(_):
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt

        try:
            search(folder, on_trial=stop)
        except KeyboardInterrupt:
            stops += 1
        else:
            break
    assert stops >= 5
    _, records = search(folder)
    assert records == whole
    assert calls(folder) == len(whole)
    assert {path.parent.name for path in folder.glob("trials/*/trial.json")} == {each["digest"] for each in whole}


def test_optuna_is_quiet_and_its_settings_are_left_as_they_were(tmp_path, capfd):
    before = optuna.logging.get_verbosity()
    search(tmp_path, num_widths=3)
    assert optuna.logging.get_verbosity() == before
    assert capfd.readouterr() == ("", "")


def test_without_optuna_the_extra_is_named_before_anything_is_written(tmp_path):
    with (
        HAS_OPTUNA.disable_locally(),
        pytest.raises(MissingOptionalLibraryError, match=r"pip install 'qiskit_qgen\[search\]'"),
    ):
        search(tmp_path / "study")
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize(("changed", "rule"), [({"num_widths": 2}, "at least 3"), ({"seed": -1}, "non-negative")])
def test_options_are_checked(changed, rule):
    with pytest.raises(ArgumentError, match=f"^Argument `{next(iter(changed))}` must .*{rule}"):
        CapacitySearch(**changed)
