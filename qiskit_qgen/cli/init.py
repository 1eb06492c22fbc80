"""``qgen init``: a commented settings file for your data, generated from the declarations of the settings."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from qiskit_qgen.cli.reporting import reports_errors
from qiskit_qgen.cli.toml_text import dump_tables
from qiskit_qgen.exceptions import ArgumentError

_HEAD = """\
# Settings of `qgen train`. What follows a # without a space is a default: take the # away to change it.
# The word "none" stands for None.
"""
_ROLE = re.compile(r":\w+:`~?(?:\w+\.)*(\w+)`")  # markup of the documentation, reduced to the name
_IN_PYTHON = "ansatz"  # an option that no settings file can hold


@reports_errors
def init(
    data: Annotated[str, typer.Argument(metavar="DATA", help="A known data set, a folder of images, or a file.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="File to write.")] = Path("settings.toml"),
    model: Annotated[str, typer.Option(help="StyleQGAN, HybridGAN or QuantumDiffusion.")] = "StyleQGAN",
    image_size: Annotated[
        int | None, typer.Option(min=2, help="Resize the images of a folder to squares with this side, in pixels.")
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="Convert the images of a folder to this mode: L, RGB or RGBA.")
    ] = None,
    skip_damaged: Annotated[
        bool, typer.Option("--skip-damaged", help="Skip files of a folder that cannot be read.")
    ] = False,
    columns: Annotated[
        str | None, typer.Option(metavar="NAME,NAME,...", help="Columns of a table to learn (default: all).")
    ] = None,
    label: Annotated[str | None, typer.Option(help="Column of a table that holds the classes of its rows.")] = None,
    key: Annotated[str | None, typer.Option(help="Name of the array in an .npz or .pt file.")] = None,
) -> None:
    """Write a settings file for your data that lists every option with its default and meaning."""
    from qiskit_qgen._checks import check_new_file
    from qiskit_qgen.cli.data import DataSettings
    from qiskit_qgen.cli.settings import choose_categories, class_name, complete

    check_new_file("--out", out)
    if out.exists():
        raise ArgumentError(f"File {out} exists: name another with --out.")
    chosen = None if columns is None else [name.strip() for name in columns.split(",")]
    given: dict[str, Any] = {"name": data, "image_size": image_size, "mode": mode, "skip_damaged": skip_damaged or None}
    given |= {"columns": chosen, "label": label, "key": key}
    given = {name: value for name, value in given.items() if value is not None}
    tables: dict[str, dict[str, Any]] = {"data": given, "model": {"class_name": model}, "training": {"seed": 0}}
    class_name(tables)  # is known
    settings = DataSettings.of(**given)
    loaded = settings.load()
    shape = tuple((loaded.rows if settings.is_table else loaded.images).shape[1:])
    tables = choose_categories(tables, loaded)
    if settings.is_table and model == "StyleQGAN":  # two expectation values of each qubit, one for each column
        tables["model"]["generator_num_qubits"] = max(2, -(-shape[0] // 2))
    complete(tables, shape)
    from qiskit_qgen.persistence import atomic_write

    out.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(out, settings_text(tables, of_images=not settings.is_table))
    typer.echo(f"{out}: settings of a {model} for {data}; train it with: qgen train {out}")


def settings_text(tables: Mapping[str, Mapping[str, Any]], *, of_images: bool) -> str:
    """Return ``tables`` as TOML, with all other options of each table as comments with their defaults."""
    from qiskit_qgen.cli.settings import class_name, options_without_effect, table_classes

    lines = [_HEAD]
    for table, kinds in table_classes(class_name(tables)).items():
        active = tables.get(table, {})
        lines += [f"[{table}]", *(_line(name, value) for name, value in active.items()), ""]
        hidden = {*active, *options_without_effect(of_images=of_images)}
        for kind in kinds:
            lines += _options(kind, hidden)
    return "\n".join(lines)


def _options(kind: Any, hidden: set[str]) -> Iterator[str]:
    """Yield the lines for each option of a settings class and of its default parts."""
    from qiskit_qgen._settings import kinds_of_parts, option_rows

    own, parts = kind().to_dict(), kinds_of_parts(kind)
    for name, _, bounds, text in option_rows(kind):
        if name in hidden:
            continue
        value = own[name]
        chosen = getattr(kind(), name) if name in parts and isinstance(value, Mapping) else None
        named = [each.kind for each in parts.get(name, ()) if each.kind]
        choices = f" {', '.join(map(repr, named))}." if named else f" {bounds}" if bounds else ""
        if chosen is None or named:
            yield from _comment(f"{text}{choices}")
            yield f"#{_line(name, value if chosen is None else chosen.kind)}"
        if chosen is not None:
            rows = {each: (limits, words) for each, _, limits, words in option_rows(type(chosen))}
            for inner, each in value.items():
                if (
                    inner in rows
                    and inner != _IN_PYTHON
                    and f"{name}_{inner}" not in {*own, *hidden}
                    and not isinstance(each, Mapping)
                ):
                    limits, words = rows[inner]
                    yield from _comment(f"{words} {limits}")
                    yield f"#{_line(f'{name}_{inner}', each)}"
    yield ""


def _comment(text: str) -> list[str]:
    return textwrap.wrap(_ROLE.sub(r"\1", text), 110, initial_indent="# ", subsequent_indent="#   ")


def _line(name: str, value: Any) -> str:
    return dump_tables({"table": {name: value}}).splitlines()[1]
