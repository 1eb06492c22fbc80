"""A report as one HTML file that needs no other: text, tables and pictures."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping
from pathlib import Path

_STYLE = """
body { font: 15px/1.5 sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em; color: #222; background: #fff; }
table { border-collapse: collapse; margin: 1em 0; font-size: 13px; }
td, th { border: 1px solid #ccc; padding: 3px 8px; text-align: left; }
figure { margin: 1.5em 0; } figcaption { font-size: 13px; color: #555; } img { max-width: 100%; }
"""


def html_page(title: str, text: str, pictures: Mapping[Path, str]) -> str:
    """Return a page with a text and PNG files, each with what is said under it.

    The text is paragraphs, tables, lists and headings ``###`` as Markdown, with ``*emphasis*`` and ``**strong**``.
    """
    blocks = [_block(block) for block in re.split(r"\n\s*\n", text.strip())]
    for path, caption in pictures.items():
        content = base64.b64encode(path.read_bytes()).decode()
        blocks.append(
            f'<figure><img alt="{html.escape(caption)}" src="data:image/png;base64,{content}">'
            f"<figcaption>{html.escape(caption)}</figcaption></figure>"
        )
    head = f'<meta charset="utf-8"><title>{html.escape(title)}</title><style>{_STYLE}</style>'
    body = "\n".join([f"<h1>{html.escape(title)}</h1>", *blocks])
    return f'<!DOCTYPE html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}\n</body></html>\n'


def _block(block: str) -> str:
    lines = block.strip().splitlines()
    if lines[0].startswith("### "):
        return f"<h2>{_inline(lines[0].removeprefix('### '))}</h2>"
    if all(line.startswith("- ") for line in lines):
        return "<ul>" + "".join(f"<li>{_inline(line.removeprefix('- '))}</li>\n" for line in lines) + "</ul>"
    if not lines[0].startswith("|"):
        return f"<p>{_inline(' '.join(lines))}</p>"
    rows = [line.strip().strip("|").split("|") for line in lines if not re.fullmatch(r"[|\s:-]+", line)]
    cells = [[_inline(cell.strip()) for cell in row] for row in rows]
    head = "".join(f"<th>{cell}</th>" for cell in cells[0])
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>\n" for row in cells[1:])
    return f"<table>\n<tr>{head}</tr>\n{body}</table>"


def _inline(text: str) -> str:
    strong = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", html.escape(text))
    return re.sub(r"\*([^*]+)\*", r"<em>\1</em>", strong)
