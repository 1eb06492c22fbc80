"""The page of a study: what is concluded, the figures, the table, and all else folded."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from qiskit_qgen.cli.pages.embedding import markdown, own_bytes, write_page
from qiskit_qgen.exceptions import CheckpointError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_STUDIES = {  # title, and what it is about
    "capacity": ("Capacity study", "How large a classical critic or generator must be beside a quantum generator."),
    "low_data": ("Low-data study", "What a quantum bottleneck does for a diffusion model with few training images."),
    "placement": ("Placement study", "Where in a GAN a quantum circuit helps, if anywhere."),
    "autoencoders": ("Autoencoder sweep", "How low the floor of reconstructions lies over options of the autoencoder."),
    "comparison": (
        "Comparison of executions",
        "What shots, noise, mitigation and devices make of one model and the same noise vectors.",
    ),
}  # fmt: skip
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
_MAIN = {"capacity": "Optimal sizes"}  # the section whose table is shown; elsewhere that of the first one
_SECTION = re.compile(r"(?:### (?P<heading>.+)|\*(?P<lead>[A-Z][^*]+)\*)")
_CONCLUSION = re.compile(r"\*\*(Concluded|Nothing is concluded)\*\*|\*\*([^*]+\.)\*\*")


def write_study_page(folder: Path, name: str) -> Path:
    """Write the page of the study ``name`` in ``folder``, whose figures are drawn again, and return its path.

    Raises:
        CheckpointError: If a file of it is damaged.
    """
    try:
        text = own_bytes(folder / f"{name}.md").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CheckpointError(f"File {folder / name}.md is not text. The study's command regenerates it.") from error
    drawn = draw_figures(folder, name)
    images = [path for path in sorted(folder.glob("*.png")) if path.stem not in drawn and not path.name.startswith(".")]
    conclusions, sections = _divided(text)
    main = next((title for title in sections if title == _MAIN.get(name)), next(iter(sections)))
    table, rest = _first_table(sections[main])
    folded = {title: markdown("\n\n".join(blocks)) for title, blocks in {**sections, main: rest}.items() if blocks}
    content = {
        "title": _STUDIES[name][0],
        "kind": "Study",
        "about": _STUDIES[name][1],
        "conclusions": [markdown(each) for each in conclusions],
        "figures": list(drawn.values())[:1],
        "more_figures": list(drawn.values())[1:],
        "images": [
            {"title": path.stem.replace("_", " ").replace("-", " ").capitalize(), "path": path} for path in images
        ],
        "table": markdown(table),
        "folded": folded,
    }
    return write_page(folder, "study.html", content)


def draw_figures(folder: Path, name: str) -> dict[str, dict[str, Any]]:
    """Draw the figures of the study in ``folder`` from its numbers, to files and for its page, with their captions.

    Raises:
        CheckpointError: If the file with its numbers is missing or damaged.
    """
    from qiskit_qgen import plotting
    from qiskit_qgen.persistence.json_text import parse_json
    from qiskit_qgen.plotting.themed import themed_svg

    path = folder / f"{name}.json"
    found = {}
    for file, (function, caption) in _FIGURES[name].items():
        try:
            draw = getattr(plotting, function)
            numbers = parse_json(own_bytes(path), f"File {path}")
            save_figure(draw(numbers), folder / f"{file}.png")
            drawing = themed_svg(draw, numbers, name=file)
        except (ArithmeticError, AttributeError, FileNotFoundError, LookupError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"File {path} is missing or damaged ({error!r}). The study's command regenerates it, without training."
            ) from error
        found[file] = {"drawing": Markup(drawing), "caption": caption}  # noqa: S704 - matplotlib escapes text
    return found


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure to a file."""
    from qiskit_qgen.persistence import atomic_path

    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=130)


def _divided(text: str) -> tuple[list[str], dict[str, list[str]]]:
    """Return the conclusions of a study's text, and its blocks by section.

    A section begins with a heading, or with a paragraph that begins with an emphasised word.
    """
    conclusions: list[str] = []
    sections: dict[str, list[str]] = {"How to read the numbers": []}
    for block in re.split(r"\n\s*\n", text.strip()):
        title = list(sections)[-1]
        if begun := _SECTION.match(block):
            title = (begun["heading"] or begun["lead"]).strip().rstrip(".:")
            sections.setdefault(title, [])
            if begun["heading"]:
                continue
        elif said := _CONCLUSION.match(block):
            conclusions.append(said[0] if said[2] else block)
            block = block[said.end() :].strip() if said[2] else ""
        if block:
            sections[title].append(block)
    return conclusions, sections


def _first_table(blocks: list[str]) -> tuple[str, list[str]]:
    """Return the first table of a section, and its other blocks."""
    place = next((index for index, block in enumerate(blocks) if block.startswith("|")), 0)
    return (blocks[place], blocks[:place] + blocks[place + 1 :]) if blocks else ("", [])
