"""What a page is made of: templates, and the files of its folder, embedded in it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from qiskit_qgen.exceptions import CheckpointError
from qiskit_qgen.persistence import atomic_write
from qiskit_qgen.persistence.json_text import parse_json

REPORT = "report.html"
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_BYTES = 2**26


def write_page(folder: Path, template: str, content: Mapping[str, Any]) -> Path:
    """Write the page of ``folder``: a template filled with ``content``, of which nothing counts as HTML but Markup."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["embedded"] = embedded
    atomic_write(folder / REPORT, environment.get_template(template).render(content))
    return folder / REPORT


def own_bytes(path: Path) -> bytes:
    """Return the content of a file of a folder that is reported: no link leads out of it.

    Raises:
        CheckpointError: If it is a link, no file, or larger than any file of a report.
        FileNotFoundError: If it does not exist.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise CheckpointError(f"File {path} is a link or no file: a report holds the files of its own folder alone.")
    if path.stat().st_size > _MOST_BYTES:
        raise CheckpointError(f"File {path} is too large for a report: {path.stat().st_size / 1e6:.0f} MB.")
    return path.read_bytes()


def own_json(path: Path) -> dict[str, Any] | None:
    """Return the object that a JSON file holds, or None if there is no such file.

    Raises:
        CheckpointError: If it is damaged, a link or too large.
    """
    if not path.exists():
        return None
    content = parse_json(own_bytes(path), f"File {path}")
    if not isinstance(content, dict):
        raise CheckpointError(f"File {path} is damaged: it holds no object.")
    return content


def embedded(path: Path) -> str:
    """Return a PNG file as the address of an image.

    Raises:
        CheckpointError: If it is not a PNG file of the folder.
    """
    content = own_bytes(path)
    if not content.startswith(_PNG):
        raise CheckpointError(f"File {path} is not a PNG image: remove it.")
    return "data:image/png;base64," + base64.b64encode(content).decode()


def markdown(text: str) -> Markup:
    """Return Markdown as HTML: tables, lists, headings and emphasis; what looks like HTML or a link stays text."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["link", "image", "autolink"])
    html = parser.render(text).replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
    return Markup(html)  # noqa: S704 - the parser has escaped what the text holds
