"""The page of a run: what it holds, and how it behaves in a browser."""

import base64
import json
import re
import shutil

import pytest
from typer.testing import CliRunner

from qiskit_qgen import History
from qiskit_qgen.cli import app
from qiskit_qgen.cli.pages.run_page import write_run_page

HOSTILE = "<img src=x onerror=window.broken=1>"
CONFIG = f"""
[data]
name = "{HOSTILE}"

[model]
class_name = "StyleQGAN"

[training]
steps = 2
execution = "EXECUTION"
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory, config):
    folder = tmp_path_factory.mktemp("page") / "bars & bits"
    result = CliRunner().invoke(app, ["train", str(config), "--out", str(folder), "--seed", "3"])
    assert result.exit_code == 0, result.stderr
    return folder


@pytest.fixture
def made(tmp_path):
    """The folder of a run that was written by hand, with texts that are not valid HTML."""
    scores = {"data": HOSTILE, "split": "test", "extractor": HOSTILE, "num_samples": 5, "num_real": 6, "unfit": {}}
    scores |= {"frechet_distance": 4.0, "precision": 0.5, "precision_interval": [0.4, 0.7], "warnings": [HOSTILE]}
    scores |= {"floor_real": {"frechet_distance": 1.0, "precision": 0.9}, "floor_reconstruction": None, "latent": None}
    scores |= {"num_features": 3, "memorization": None}
    scores["baselines"] = {"untrained": {"frechet_distance": 400.0, "precision": 0.0}}
    scores["unfit"] = {"precision": {"can_rank": False, "sentence": HOSTILE}}
    history = {"phases": {"line": {HOSTILE: {"steps": [1, 2], "values": [2.0, 1.0]}}}, "seconds": {"line": 1.0}}
    files = {"run.json": {"finished": True, "seed": 1, "versions": {"x": HOSTILE}}, "scores.json": scores}
    for name, content in {**files, "history.json": history}.items():
        (tmp_path / name).write_text(json.dumps(content))
    (tmp_path / "config.toml").write_text(CONFIG.replace("EXECUTION", "none"))
    return tmp_path


def test_a_training_ends_with_its_page(run):
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "<h1>bars &amp; bits</h1>" in page
    assert "A StyleQGAN with a circuit of 2 qubits and 1 layers, trained for 6 steps on 36 samples of bars.npz." in page
    images = [*run.glob("*.png"), *(run / "progress").glob("*.png")]
    shown = [path for path in images if base64.b64encode(path.read_bytes()).decode() in page]
    assert {path.name for path in images} - {path.name for path in shown} == {"history.png"}  # drawn as curves
    scores = json.loads((run / "scores.json").read_text())
    assert f'<span class="value">{scores["coverage"]:.3g}</span>' in page
    history = History.load(run / "history.json")
    assert page.count("<svg") == sum(len(history.names(phase)) for phase in history.phases)
    assert "How to read a Wasserstein critic" in page
    assert "num_qubits = 2" in page
    assert "efficientnet" not in page


def test_the_page_is_made_again_by_its_command_and_is_the_same(qgen, run):
    before = (run / "report.html").read_bytes()
    result = qgen("report", run)
    assert (result.exit_code, result.stderr) == (0, f"File {run / 'report.html'}\n")
    assert (run / "report.html").read_bytes() == before


def test_bars_are_as_long_as_their_values_and_far_baselines_are_cut(made):
    page = write_run_page(made).read_text()
    bars = re.findall(r'class="bar (\w+)">.*?width:([\d.]+)%"(.*?)</i>(.*?)</span>', page, re.DOTALL)
    assert [(kind, float(length), "cut" in cut) for kind, length, cut, _ in bars] == [
        ("model", 66.67, False), ("floor", 16.67, False), ("baseline", 100.0, True),  # of 1.5 times 4
        ("model", 55.56, False), ("floor", 100.0, False), ("baseline", 0.0, False),  # of 0.9
    ]  # fmt: skip
    assert 'left:44.44%;width:33.34%" title="95 %: 0.4 to 0.7"' in bars[3][3]


def test_texts_are_escaped(made, browser):
    page = write_run_page(made).read_text()
    assert HOSTILE not in page
    assert page.count("&lt;img src=x onerror=") >= 6
    browser.open((made / "report.html").as_uri())
    assert browser.run("return window.broken") is None
    assert browser.run("return document.images.length") == 0
    assert browser.errors() == []


def test_costs_are_those_that_the_ledger_has_for_the_time_of_the_run(made):
    ledger = made / "ledger"
    ledger.mkdir()
    jobs = [("early", "2026-01-01", 5.0), ("first", "2026-02-02", 1.25), ("second", "2026-02-03", 2.5)]
    lines = [
        {"time": f"{day}T00:00:00Z", "event": event, "digest": tag, "tag": tag, "backend": "ibm_torino", **facts}
        for tag, day, seconds in jobs
        for event, facts in (("intended", {"rows": 8, "estimated_qpu_seconds": seconds}), ("finished", {}))
    ]
    (ledger / "jobs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (made / "config.toml").write_text(CONFIG.replace("EXECUTION", f"runtime:backend=ibm_torino,ledger={ledger}"))
    record = {"finished": True, "began": "2026-02-01T00:00:00Z", "ended": "2026-02-09T00:00:00Z"}
    (made / "run.json").write_text(json.dumps(record))
    page = write_run_page(made).read_text()
    assert "On ibm_torino, from the ledger" in page
    assert "<strong>2</strong><small>2 finished</small>" in page
    assert "<strong>3.8</strong><small>16 rows of parameters</small>" in page


def test_an_unfinished_run_has_a_page_of_what_there_is(qgen, made):
    for name in ("scores.json", "history.json"):
        (made / name).unlink()
    (made / "run.json").write_text('{"finished": false, "seed": 1}')
    assert qgen("report", made).exit_code == 0
    page = (made / "report.html").read_text()
    assert "unfinished" in page
    assert "It has not been scored yet." in page
    assert "<svg" not in page


@pytest.mark.parametrize("name", ["run.json", "scores.json", "history.json", "config.toml"])
def test_a_damaged_file_is_named(qgen, made, name):
    (made / name).write_text("[")
    result = qgen("report", made)
    assert result.exit_code == 2
    assert f"{made / name}" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_the_page_fits_the_screen_shows_all_and_asks_for_nothing(browser, run, width, theme):
    browser.requests()
    address = (run / "report.html").as_uri()
    browser.open(address, width=width, theme=theme)
    assert browser.errors() == []
    assert [each for each in browser.requests() if not each.startswith("data:")] == [address]
    assert browser.run("return document.documentElement.scrollWidth") <= width
    broken = "return [...document.images].filter(each => !each.complete || !each.naturalWidth).length"
    assert browser.run(broken) == 0
    ground = browser.run("return getComputedStyle(document.body).backgroundColor")
    darkness = sum(map(int, re.findall(r"\d+", ground)[:3])) / 3
    assert (darkness < 40) == (theme == "dark")
    browser.find("#theme").click()
    assert browser.run("return getComputedStyle(document.body).backgroundColor") != ground


def test_the_slider_moves_through_the_training(browser, run):
    from selenium.webdriver.common.keys import Keys

    browser.open((run / "report.html").as_uri())
    visible = "return [...document.querySelectorAll('#frames img')].filter(e => e.offsetHeight > 0).map(e => e.alt)"
    frames = sorted(path.stem for path in (run / "progress").iterdir())
    assert browser.run(visible) == ["adversarial, step 6"]
    browser.find("#slider").send_keys(Keys.HOME)
    assert browser.run(visible) == ["autoencoder, step 0"]
    assert browser.find("#step").text == "autoencoder · step 0"
    browser.find("#slider").send_keys(Keys.ARROW_RIGHT)
    assert browser.run(visible) == ["autoencoder, step 1"]
    assert browser.run("return document.querySelectorAll('#frames img').length") == len(frames)
    browser.run("document.querySelector('#play').scrollIntoView({behavior: 'instant', block: 'center'})")
    browser.find("#play").click()
    browser.wait(lambda: browser.run(visible) == ["adversarial, step 6"])


def test_many_grids_are_thinned_and_the_last_one_is_kept(made, run):
    (made / "progress").mkdir()
    for step in range(0, 300, 2):
        shutil.copy(run / "samples.png", made / "progress" / f"adversarial-{step:06d}.png")
    page = write_run_page(made).read_text()
    steps = [int(each) for each in re.findall(r'data-label="adversarial · step (\d+)"', page)]
    assert len(steps) == 50
    assert (steps[0], steps[-1]) == (4, 298)
