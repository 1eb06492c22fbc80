"""The code blocks of the documentation, run as they stand."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def read_page(name):
    return (DOCS / name).read_text(encoding="utf-8")


def blocks(text, language="python"):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def run_blocks(text, replaced=None, **names):
    """Run the Python blocks of ``text`` one after the other, ``replaced`` texts in them, and return their names."""
    for block in blocks(text):
        for old, new in (replaced or {}).items():
            block = block.replace(old, new)
        exec(block, names)  # noqa: S102 - the pages are ours
    return names
