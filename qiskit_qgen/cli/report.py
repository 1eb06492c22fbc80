"""``qgen report``: the report of a study, from what its folder holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qiskit_qgen.cli.reporting import note, reports_errors
from qiskit_qgen.exceptions import ArgumentError, CheckpointError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REPORT = "report.html"
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES = 2**26
_TITLES = {
    "capacity": "Capacity study",
    "low_data": "Low-data study",
    "placement": "Placement study",
    "autoencoders": "Autoencoder sweep",
    "comparison": "Comparison of executions",
}
_ARMS = (
    "Above: score of the chosen step against images held out, by each extractor; planned ratios, seed by seed, over "
    "all sizes, hollow where the score is unfit; share of copies. Below: distance to the validation images over "
    "the steps. Bars and bands: 95 % over the seeds, of each comparison alone."
)
_FIGURES = {  # of each study: file, function of `plotting`, caption
    "capacity": {
        "capacity_scaling": ("plot_capacity_scaling", "Optimal classical sizes over the quantum generator's size, with "
        "the fitted laws. Bars: 95 %, from leaving out seeds; hollow: at the edge of the grid; crosses: so surely that "
        "no law is fitted to them."),
        "capacity_scores": ("plot_capacity_scores", "Score of every trial over the critic's size. Crosses: not stable; "
        "dotted: the optimal critic; dashed: the floor, which training latents score in the generated ones' place; "
        "dash-dotted: the best trivial baseline."),
        "capacity_curves": ("plot_capacity_curves", "Score over the steps, first seed. Dotted: not stable."),
    },
    "low_data": {"low_data": ("plot_arms", _ARMS)},
    "placement": {"placement": ("plot_arms", _ARMS)},
    "autoencoders": {"autoencoders": ("plot_autoencoder_sweep", "Floors over an option. Bars: 95 % over the seeds.")},
    "comparison": {},
}  # fmt: skip


@reports_errors
def report(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a study or a comparison.")],
) -> None:
    """Write report.html, one file with the text, tables and figures of a study."""
    write_report(folder)
    note(f"File {folder / REPORT}")


def write_report(folder: Path) -> None:
    """Write the report of the study in ``folder``, whose figures are drawn anew.

    Raises:
        ArgumentError: If the folder holds no finished study.
        CheckpointError: If a file of it is damaged.
    """
    name = next((each for each in _TITLES if (folder / f"{each}.md").is_file()), None)
    if name is None:
        listed = ", ".join(f"{each}.md" for each in _TITLES)
        raise ArgumentError(
            f"Folder {folder} holds no finished study: it has none of {listed}. The command that began it goes on with "
            "it, and `qgen study status` tells how it stands."
        )
    from qiskit_qgen.cli.html_page import html_page
    from qiskit_qgen.persistence import atomic_write

    captions = draw_figures(folder, name)
    captions |= {path: path.stem.replace("_", " ") for path in sorted(folder.glob("*.png")) if path not in captions}
    for path in captions:
        if not own_bytes(path).startswith(_PNG):
            raise CheckpointError(f"File {path} is no PNG image: remove it.")
    try:
        text = own_bytes(folder / f"{name}.md").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CheckpointError(f"File {folder / name}.md is no text. The study's command writes it anew.") from error
    atomic_write(folder / REPORT, html_page(_TITLES[name], text, captions))


def draw_figures(folder: Path, name: str) -> dict[Path, str]:
    """Draw the figures of the study in ``folder`` from its numbers, and return their captions.

    Raises:
        CheckpointError: If the file with its numbers is missing or damaged.
    """
    from qiskit_qgen import plotting
    from qiskit_qgen.persistence.json_text import parse_json

    path = folder / f"{name}.json"
    captions = {}
    for file, (function, caption) in _FIGURES[name].items():
        try:
            figure = getattr(plotting, function)(parse_json(own_bytes(path), f"File {path}"))
        except (ArithmeticError, AttributeError, FileNotFoundError, LookupError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"File {path} is missing or damaged ({error!r}). The study's command writes it anew, without training."
            ) from error
        save_figure(figure, folder / f"{file}.png")
        captions[folder / f"{file}.png"] = caption
    return captions


def own_bytes(path: Path) -> bytes:
    """Return the content of a file of a study, which lies in its folder itself: no link leads out of it.

    Raises:
        CheckpointError: If it is a link, no file, or larger than any file of a report.
        FileNotFoundError: If it does not exist.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise CheckpointError(f"File {path} is a link or no file: a report holds the files of its own folder alone.")
    if path.stat().st_size > _MOST_BYTES:
        raise CheckpointError(f"File {path} is too large for a report: {path.stat().st_size / 1e6:.0f} MB.")
    return path.read_bytes()


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure to a file."""
    from qiskit_qgen.persistence import atomic_path

    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=130)
