"""Writes the pages that follow from the package itself, before each build.

- one page for each public subpackage, with everything that its ``__all__`` names;
- the command line, from the commands' own help;
- the tutorials, copied from ``tutorials/``;
- the settings of the models, of their training and of the command line, from the classes that declare them;
- the changelog, copied from ``CHANGELOG.md``.

They lie in folders named ``generated``. There are no lists to keep: what is public is documented.
"""

import ast
import importlib
import inspect
import pkgutil
import re
import shutil
from abc import ABC
from pathlib import Path

import qiskit_qgen
from qiskit_qgen._settings import kinds_of_parts, option_rows

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PACKAGE = qiskit_qgen.__name__
_CLI = f"{PACKAGE}.cli"
_PLAIN_BASES = (object, ABC)
_DIRECTIVES = {"class": "autoclass", "function": "autofunction", "exception": "autoexception"}


def public_modules():
    """Return the public modules of the package that have public names, the package itself first."""
    names = [module.name for module in pkgutil.iter_modules(qiskit_qgen.__path__) if not module.name.startswith("_")]
    modules = [importlib.import_module(f"{PACKAGE}.{name}") for name in sorted(names)]
    return [qiskit_qgen, *(module for module in modules if public_names(module) and module.__name__ != _CLI)]


def public_names(module):
    """Return what ``module`` offers: its ``__all__``, or, if it is one file, the classes and functions it defines."""
    if hasattr(module, "__all__"):
        return [name for name in module.__all__ if not name.startswith("_")]
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def origins(module):
    """Return, for each name that ``module`` imports, the module that it comes from."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    return {alias.asname or alias.name: node.module for node in imports for alias in node.names}


def homes(modules):
    """Return, by the place where an object is defined, the public name under which it is documented."""
    found = {}
    for module in modules[1:]:
        for name in public_names(module):
            value = getattr(module, name)
            if inspect.isclass(value) or inspect.isroutine(value):
                found[_place(value)] = f"{module.__name__}.{name}"
    return found


def module_page(module, known):
    """Return the page of a module as reStructuredText."""
    title = module.__name__
    lines = [title, "=" * len(title), "", f".. automodule:: {title}", "   :no-members:", ""]
    for name in sorted(public_names(module), key=lambda name: (_kind(getattr(module, name)), name.lower())):
        lines += _entry(module, name, known)
    return "\n".join(lines)


def _kind(value):
    if inspect.isclass(value):
        return "exception" if issubclass(value, BaseException) else "class"
    return "function" if inspect.isroutine(value) else "object"


def _entry(module, name, known):
    """Return the directives that document one name; a name that has its home elsewhere is linked."""
    value = getattr(module, name)
    full = f"{module.__name__}.{name}"
    kind = _kind(value)
    if kind == "object":
        return _constant(module, name)
    home = known[_place(value)]
    if home != full:
        role = {"function": "func", "exception": "exc"}.get(kind, "class")
        return [f"- :py:{role}:`{full} <{home}>`", ""]
    options = [] if kind == "function" else ["   :members:"]
    if kind != "function" and set(value.__bases__) - set(_PLAIN_BASES):
        options.append("   :show-inheritance:")
        if any(not _stops(base, known) for base in value.__bases__):  # what has no page of its own
            names = [base.__name__ for base in value.__mro__[1:] if _stops(base, known) and base is not object]
            options.append(f"   :inherited-members: {', '.join(dict.fromkeys(names))}")
    return [f".. {_DIRECTIVES[kind]}:: {full}", *options, ""]


def _stops(base, known):
    """Whether what ``base`` offers is told elsewhere: on a page, or by another package."""
    return _place(base) in known or not base.__module__.startswith(f"{PACKAGE}.") or "._" in base.__module__


def _place(value):
    return f"{value.__module__}.{value.__qualname__}"


def _constant(module, name):
    """Document a constant with the text below its definition."""
    from sphinx.pycode import ModuleAnalyzer

    origin = origins(module).get(name, module.__name__)
    comments = ModuleAnalyzer.for_module(origin).find_attr_docs().get(("", name), [])
    value = getattr(module, name)
    lines = [f".. py:data:: {name}"]  # of the page's module
    if isinstance(value, (int, float, str, tuple)):
        lines.append(f"   :value: {value!r}")
    return [*lines, "", *(f"   {line}" for line in comments), ""]


def command_page():
    """Return the page of the command line as Markdown, from the commands' own help."""
    import typer
    from typer.cli import get_docs_for_click

    from qiskit_qgen.cli import app

    command = typer.main.get_command(app)
    context = command.context_class(command, info_name="qgen")
    return get_docs_for_click(obj=command, ctx=context, name="qgen", title="Command line")


def settings_tables():
    """Return the tables of all settings as Markdown: each option with its default, its range and its meaning."""
    from qiskit_qgen.cli.settings import (
        MODELS,
        DataSettings,
        EvaluationSettings,
        LoggingSettings,
        RunSettings,
        model_class,
    )

    lines = []
    for name in MODELS:
        model = model_class(name)
        lines += [f"## {name}", "", *_settings_of("What it is", model.config_class)]
        lines += _settings_of("How it is trained", model.training_class)
    lines += ["## Of the command line alone", ""]
    tables = {
        "`[data]`": DataSettings,
        "`[training]`, beside the above": RunSettings,
        "`[evaluate]`": EvaluationSettings,
        "`[logging]`": LoggingSettings,
    }
    for title, kind in tables.items():
        lines += _settings_of(title, kind)
    return "\n".join(lines)


def _settings_of(title, kind, level=3):
    """Return heading and table of a class of settings, and below it those of its parts."""
    rows = ["| option | default | range | meaning |", "|---|---|---|---|"]
    for name, default, bounds, text in option_rows(kind):
        cells = (f"`{name}`", *(f"`{each}`" if each else "" for each in (default, bounds)), text)
        rows.append("| " + " | ".join(_as_markdown(cell).replace("|", r"\|") for cell in cells) + " |")
    intro = _as_markdown(" ".join(inspect.getdoc(kind).split("\n\nAttributes:")[0].split()))
    lines = [f"{'#' * level} {title}: `{kind.__name__}`", "", intro, ""] + [*rows, ""] * (len(rows) > 2)
    for part, kinds in kinds_of_parts(kind).items():
        for each in kinds:
            word = f' = "{each.kind}"' if each.kind else ""
            lines += _settings_of(f"`{part}{word}`", each, level + 1)
    return lines


def _as_markdown(text):
    """Turn the roles of a docstring into those of MyST; a name that says no module is no link."""
    text = re.sub(r":\w+:`(\w+)`", r"`\1`", text)
    text = re.sub(r":\w+:`~?([\w.]+)`", lambda role: "{any}`" + role[1].split(".")[-1] + " <" + role[1] + ">`", text)
    return text.replace("``", "`")


def write(path, text):
    """Write ``text`` to ``path`` unless it is there already: what has not changed is not built again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def generate():
    """Write all pages, and remove those of modules and tutorials that are gone."""
    modules = public_modules()
    known = homes(modules)
    pages = {HERE / "api" / "generated" / f"{module.__name__}.rst": module_page(module, known) for module in modules}
    pages[HERE / "api" / "generated" / "qgen.md"] = command_page()
    for notebook in sorted((ROOT / "tutorials").glob("*.ipynb")):
        pages[HERE / "tutorials" / "generated" / notebook.name] = notebook.read_text(encoding="utf-8")
    changes = ROOT / "CHANGELOG.md"
    text = changes.read_text(encoding="utf-8") if changes.is_file() else "# Changelog\n\nNothing is released yet.\n"
    pages[HERE / "generated" / "changelog.md"] = text
    pages[HERE / "generated" / "settings_tables.md"] = settings_tables()
    for path, content in pages.items():
        write(path, content)
    for folder in {path.parent for path in pages}:
        for stale in set(folder.iterdir()) - set(pages):
            shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
    return known


def without_plain_bases(_app, _name, _obj, _options, bases):
    """Do not name bases that say nothing."""
    bases[:] = [base for base in bases if base not in _PLAIN_BASES]


def returns_as_prose(_app, _what, _name, _obj, _options, lines):
    """Keep a section "Returns:" from being read as "TYPE: text" at its first colon: types are in the hints."""
    text = "\n".join(lines)
    lines[:] = re.sub(r"^Returns:\n((?: {4}.*\n?|\n(?= {4}))+)", _as_field, text, flags=re.MULTILINE).split("\n")


def _as_field(section):
    return ":returns: " + section[1].strip() + "\n\n"


def setup(app):
    known = {}

    def resolve(app, env, node, content):
        """Link a name that a type hint gives by the place of its definition to its public name."""
        home = known.get(node.get("reftarget"))
        if home is None:
            return None
        python = env.get_domain("py")
        return python.resolve_xref(env, node["refdoc"], app.builder, node["reftype"], home, node, content)

    app.connect("autodoc-process-docstring", returns_as_prose, priority=400)  # before napoleon
    app.connect("autodoc-process-bases", without_plain_bases)
    app.connect("builder-inited", lambda _: known.update(generate()))
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
