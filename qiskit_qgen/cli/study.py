"""``qgen study``: one table of all studies, and the status of a study."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qiskit_qgen.cli.report import write_report
from qiskit_qgen.cli.reporting import note, reports_errors
from qiskit_qgen.cli.toml_text import read_toml
from qiskit_qgen.exceptions import ArgumentError, DatasetError, ExecutionError

if TYPE_CHECKING:
    from torch import Tensor

    from qiskit_qgen._settings import Settings

Tables = dict[str, dict[str, Any]]
_HELD_OUT = 5  # one in this many training images is held out if there is no split for it


@dataclass(frozen=True, kw_only=True)
class _Study:
    """A study's command: the tables of its TOML file are its function's arguments, and [study] holds its options."""

    about: str
    function: str
    """Name of the function in :mod:`qiskit_qgen.studies`."""
    settings: str
    """Name of the class there that [study] has the options of."""
    tables: Mapping[str, str]
    """Tables besides [data] and [study], each with the class of its settings; "" for names and values of any kind."""
    splits: bool = False
    """Whether the data are images of several splits rather than a name."""
    tests: bool = False
    """Whether it looks at a third split at its end."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """What [data] is where it names none."""
    trial: Callable[[Mapping[str, Any]], str]
    """Says what a trial is, given its configuration."""
    score: str = "kernel distance"
    """What the score that is told of each trial is called."""
    value: Callable[[Mapping[str, Any]], float]
    """That score, given a trial's result."""

    def run(self, tables: Tables, out: Path, **runner: Any) -> Any:
        """Run the study with the content of its tables."""
        from qiskit_qgen import models, studies
        from qiskit_qgen.cli.settings import data_settings

        arguments: dict[str, Any] = {"folder": out, **runner}
        for table, name in self.tables.items():
            if tables[table]:
                kind: type[Settings] | None = getattr(studies, name, None) or getattr(models, name, None)
                arguments[table] = kind.without_none_words(tables[table]) if kind else tables[table]
        data = tables["data"] if "name" in tables["data"] else {**self.data, **tables["data"]}
        if self.splits:
            arguments["data"], arguments["held_out"], test = _splits(data)
            if self.tests:
                arguments["test"] = test
            own = tables["study"]
        else:
            own = {**data, **tables["study"]}
            arguments["data"] = own.pop("name", None) or data_settings({"data": {}}).name
        options: type[Settings] = getattr(studies, self.settings)
        own = options.without_none_words(own)
        options.of(**own)  # which refuses anything that is not an option of the study
        return getattr(studies, self.function)(**arguments, **own)

    def tell(self, record: dict[str, Any]) -> None:
        """Report how a trial ended, from its record."""
        place = f"seed {record['configuration']['seed']}, {self.trial(record['configuration'])}"
        if record["status"] == "done":
            note(f"{place}: {self.score} {self.value(record['result']):.4g}")
        else:
            note(f"{place}: {record['status']}: {record['error']}")


def _generator(configuration: Mapping[str, Any]) -> str:
    from qiskit_qgen.studies.capacity.grid import generator_name

    return f"{generator_name(configuration)}, critic {configuration['critic_width']}"


_STUDIES = {
    "capacity": _Study(
        about="Train generators and critics of many sizes and compare laws of growth; the same command resumes.",
        function="run_capacity_study",
        settings="CapacityTraining",
        tables={
            "grid": "CapacityGrid",
            "autoencoder": "AutoencoderSettings",
            "model": "StyleQGANConfig",
            "classical": "ClassicalGeneratorConfig",
            "training": "StyleQGANTraining",
            "classical_training": "StyleQGANTraining",
            "rule": "OptimalityRule",
            "plan": "CapacityPlan",
            "search": "CapacitySearch",
        },
        splits=True,
        tests=True,
        trial=_generator,
        score="sliced Wasserstein distance",
        value=lambda result: float(result["scores"]["latent_sliced_wasserstein"]["values"][-1]),
    ),
    "autoencoders": _Study(
        about="Train autoencoders with every setting of a grid and compare their floors; the same command resumes. "
        "Without a grid: four latent sizes, with and without noise on latents.",
        function="run_autoencoder_sweep",
        settings="SweepSettings",
        tables={"grid": "", "autoencoder": "AutoencoderSettings"},
        splits=True,
        trial=lambda trial: ", ".join(f"{key} {value}" for key, value in trial["options"].items()),
        score="Fréchet distance of reconstructions",
        value=lambda result: float(result["floor_reconstruction"]["frechet_distance"]),
    ),
    "low-data": _Study(
        about="Compare bottlenecks of QuantumDiffusion over numbers of training images; the same command resumes.",
        function="run_low_data_study",
        settings="ArmSettings",
        tables={"model": "QuantumDiffusionConfig", "training": "DenoisingTraining"},
        trial=lambda trial: f"{trial['size']} images, {trial['arm']}",
        score="distance to the validation images",
        value=lambda result: min(result["validation_distance"]),
    ),
    "placement": _Study(
        about="Compare where the circuits of HybridGAN are, over numbers of training images; the same command resumes. "
        "Without settings: bundled trousers, five seeds, two sizes.",
        function="run_placement_study",
        settings="ArmSettings",
        tables={"model": "HybridGANConfig", "training": "AdversarialTraining"},
        data={"name": "fashion-mnist-mini", "labels": [1]},
        trial=lambda trial: f"{trial['size']} images, {trial['arm']}",
        score="distance to the validation images",
        value=lambda result: min(result["validation_distance"]),
    ),
}
_Data = Annotated[str | None, typer.Option(help="Data set: a known name, a folder or a file of images.")]
_SEARCH = (
    "Let Optuna propose that many critic widths for each generator, between the smallest and the largest of a grid."
)
_Search = Annotated[int | None, typer.Option(min=3, metavar="WIDTHS", help=_SEARCH)]
_Workers = Annotated[int, typer.Option(min=0, help="Number of concurrent trials; 0 runs them in this process.")]
_Threads = Annotated[int, typer.Option(min=1, help="Threads for each trial.")]
_RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Rerun failed trials.")]

study = typer.Typer(
    name="study", help="Studies of many trainings: plan, run, resume and inspect them.", no_args_is_help=True
)


def _command(name: str, row: _Study) -> Callable[..., None]:
    """Return the command of a study."""
    known = ("data", "study", *row.tables)
    about = f"TOML file with the tables {', '.join(known)}."

    def command(
        config: Path | None = typer.Argument(None, metavar="[CONFIG]", help=about),
        data: _Data = None,
        out: Path = typer.Option(Path("runs") / name, "-o", "--out", help="Study folder."),
        search: _Search = None,
        workers: _Workers = 0,
        threads: _Threads = 1,
        retry_failed: _RetryFailed = False,
    ) -> None:
        from qiskit_qgen._checks import check_folder

        check_folder("--out", out)
        tables = _read_tables(config, known)
        if data is not None:
            tables["data"]["name"] = data
        if search is not None:
            tables["search"]["num_widths"] = search
        found = row.run(tables, out, workers=workers, threads=threads, retry_failed=retry_failed, on_trial=row.tell)
        trained = [each for each in found.records if each["configuration"].get("arm") != "baselines"]
        if all(record["status"] != "done" for record in trained):
            raise ExecutionError(
                f"None of the {len(trained)} trials is done, so that there is nothing to report; the first ended "
                f"with {trained[0]['error']}"
            )
        found.save(out)
        _draw_samples(found, out)
        write_report(out)
        typer.echo(found.table())
        note(f"Folder {out}: {', '.join(sorted(path.name for path in out.iterdir()))}")

    if "search" not in row.tables:  # an option that would have no effect
        kept = [each for each in inspect.signature(command, eval_str=True).parameters.values() if each.name != "search"]
        command.__signature__ = inspect.Signature(kept)  # type: ignore[attr-defined]
    return reports_errors(command)


for _name, _row in _STUDIES.items():
    study.command(_name, help=_row.about)(_command(_name, _row))


@study.command()
@reports_errors
def plan(
    config: Annotated[Path | None, typer.Argument(metavar="[CONFIG]", help="TOML file of a capacity study.")] = None,
    measured_in: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Take noise, stability and slopes from the study saved in this folder."),
    ] = None,
) -> None:
    """Estimate in seconds, before any training, which growth a capacity study would show and which law it names."""
    from qiskit_qgen import models, studies

    row = _STUDIES["capacity"]
    tables = _read_tables(config, ("data", "study", *row.tables))
    arguments: dict[str, Any] = {}
    for table in ("grid", "plan", "rule", "autoencoder", "model", "classical"):
        name = row.tables[table]
        kind: type[Settings] = getattr(studies, name, None) or getattr(models, name)
        arguments[table] = kind.without_none_words(tables[table])
    typer.echo(studies.plan_capacity_study(**arguments, measured_in=measured_in).table())


@study.command()
@reports_errors
def status(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Study folder.")],
) -> None:
    """Show how many trials have ended, failed and are running, and how long the rest will take."""
    from qiskit_qgen.cli.circuit_report import duration
    from qiskit_qgen.studies import study_status
    from qiskit_qgen.studies.trials.folder import AUTOENCODERS, is_study

    if not is_study(folder) and is_study(folder / AUTOENCODERS):
        typer.echo("The trials have not begun: the autoencoder that they share comes first.")
        folder = folder / AUTOENCODERS
    found = study_status(folder)
    ended = found["done"] + found["diverged"] + found["failed"]
    typer.echo(
        f"{ended} of {found['planned']} trials have ended: {found['done']} done, {found['diverged']} diverged, "
        f"{found['failed']} failed; {found['running']} running."
    )
    if found["seconds_left"] is not None and ended < found["planned"]:
        typer.echo(
            f"{found['seconds_per_trial']:.1f} s per trial; about {duration(found['seconds_left'])} left with "
            f"{max(1, found['running'])} at a time."
        )


def _read_tables(path: Path | None, known: Sequence[str]) -> Tables:
    """Return the tables of a TOML file, each named in ``known``; without a file, all are empty.

    Raises:
        ArgumentError: If the file is missing or not valid TOML, or has a table that is empty or unknown.
    """
    tables: Tables = {name: {} for name in known}
    for name, table in ({} if path is None else read_toml(path)).items():
        if name not in known or not isinstance(table, Mapping):
            listed = ", ".join(f"[{each}]" for each in known)
            raise ArgumentError(f"File {path} must hold the tables {listed} only, but holds `{name}`.")
        if not table:
            raise ArgumentError(f"File {path} has an empty table [{name}], which changes nothing: leave it out.")
        tables[name] = dict(table)
    return tables


def _splits(data: Mapping[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
    """Return the images for training, for all choices, and for the final test.

    If the data have no split `val`, a fifth of the training images, at least ten, are held out: always the same ones.

    Raises:
        ArgumentError: If the data are not named, or an option is out of range.
        DatasetError: If the data are missing or damaged, or have no split `test`.
    """
    from qiskit_qgen.cli.settings import data_settings
    from qiskit_qgen.datasets.subsets import subset
    from qiskit_qgen.studies.capacity.autoencoders import FEWEST

    chosen = data_settings({"data": data})
    train = chosen.load().images
    try:
        test = chosen.whole().load("test").images
    except DatasetError as error:
        raise DatasetError(f"A study looks at images of a split of their own, test, at its end: {error}") from error
    try:
        return train, chosen.whole().load("val").images, test
    except DatasetError:
        held_out = max(FEWEST, len(train) // _HELD_OUT)
        shuffled = subset(train, len(train), 0)
        return shuffled[held_out:], shuffled[:held_out], test


def _draw_samples(found: Any, out: Path) -> None:
    """Draw samples of the arms from the same noise vectors, if the study has arms."""
    from qiskit_qgen.cli.pages.study_page import save_figure
    from qiskit_qgen.plotting import plot_comparison
    from qiskit_qgen.studies import ArmStudy

    for size in found.sizes if isinstance(found, ArmStudy) else ():
        if images := found.images(size):
            save_figure(plot_comparison(images), out / f"images-{size}.png")
