"""Finds the phrases of .ci/unwanted_phrases.txt in the files that it is given, or in all prose of the repository."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Also the end of a line of a comment, and of a notebook's text.
_SPACE = r'(?:\s|#|\\n",\s*")+'
PLACES = ("*.md", "*.py", "*.ipynb", "*.toml", "*.yml", "Makefile", ".ci/run")


def unwanted(text: str) -> list[tuple[int, str, str]]:
    """Return the line, the phrase and what is better, of each phrase in ``text``."""
    found = []
    for line in (ROOT / ".ci" / "unwanted_phrases.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        phrase, better = line.split(" -> ")
        pattern = phrase.replace("there ", "there\0").replace(" ", _SPACE).replace("\0", " ")
        hits = re.finditer(rf"(?i)\b(?:{pattern})\b", text)
        found += [(text.count("\n", 0, hit.start()) + 1, " ".join(hit[0].split()), better) for hit in hits]
    return sorted(found)


def main() -> int:
    """Print each phrase with its place; return 1 if there is one."""
    listed = subprocess.run(["git", "ls-files", *PLACES], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    paths = [Path(name) for name in sys.argv[1:]] or [ROOT / name for name in listed.splitlines()]
    lines = [
        f"{path}:{number}: {phrase!r}: better: {better}"
        for path in paths
        for number, phrase, better in unwanted(path.read_text(encoding="utf-8"))
    ]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main())
