"""Settings as frozen dataclasses: each option is declared once, with type, default, range, documentation and source.

    class CriticConfig(Settings):
        width: int = setting("Width of each hidden layer", default=256, minimum=1)

Checks, the class's own documentation, dictionaries for JSON and TOML, and the option tables of the docs all come from
that line. Settings may hold other settings; where there are several kinds of a part, each kind has a class with a
``kind``, so that an option without effect cannot be written down.
"""

from __future__ import annotations

import types
from collections.abc import Collection, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, Self, Union, dataclass_transform, get_args, get_origin, get_type_hints

from qiskit_qgen._checks import check_choice, check_float, check_int, nearest, renamed_arguments
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError

_NONE = type(None)
_RANGE = ("minimum", "maximum", "above", "below")
_HINTS: dict[type, dict[str, Any]] = {}
_WORDS: dict[type, str] = {bool: "True or False", str: "a string", int: "an integer", tuple: "a list"}


def setting(
    text: str,
    *,
    default: Any,
    source: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    above: float | None = None,
    below: float | None = None,
) -> Any:
    """Declare an option of a :class:`Settings` class.

    Args:
        text: What it is, in one sentence without a full stop.
        default: Its default value.
        source: Where the value comes from, such as "arXiv 2601.05036"; "" for our choice.
        minimum: Smallest value of a number, or of each number of a tuple.
        maximum: Largest value.
        above: Bound that the value must exceed.
        below: Bound that the value must stay below.
    """
    bounds = {"minimum": minimum, "maximum": maximum, "above": above, "below": below}
    metadata = {"text": text, "source": source, **bounds}
    return field(default=default, metadata=metadata)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(setting,))
class Settings:
    """Base of all settings; a subclass becomes a frozen, keyword-only dataclass of fields made by :func:`setting`.

    Raises:
        ArgumentError: If a value is out of range, has no effect, or does not go with another.
        ArgumentTypeError: If a name is unknown or a value has the wrong type.
    """

    kind: ClassVar[str] = ""
    """What this kind of part is called in dictionaries; "" where there is one kind only."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __init_subclass__(cls) -> None:
        dataclass(frozen=True, kw_only=True)(cls)
        lines = [f"    {each.name}: {_sentence(each)}" for each in fields(cls)]
        cls.__doc__ = "\n".join([f"{(cls.__doc__ or '').rstrip()}\n\nAttributes:", *lines, ""])

    def __new__(cls, *args: Any, **given: Any) -> Self:  # noqa: ARG004 - the dataclass takes them
        names = [each.name for each in fields(cls)]
        for name in given:
            if name not in names:
                raise unknown_name(name, names, cls.__name__)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for each in fields(self):
            object.__setattr__(self, each.name, _checked(each, _hints(type(self))[each.name], getattr(self, each.name)))
        self.check()

    def check(self) -> None:
        """Raise unless the settings, each of which is in its range, go together.

        Raises:
            ArgumentError: If they do not.
        """

    def refuse(self, names: Collection[str], case: str) -> None:
        """Raise unless the options ``names``, which have no effect in this ``case``, have their defaults.

        Raises:
            ArgumentError: If one has another value.
        """
        for name in names:
            if getattr(self, name) != getattr(type(self), name):
                raise ArgumentError(f"Argument `{name}` has no effect {case}: leave it out.")

    @classmethod
    def of(cls, **given: Any) -> Self:
        """Return settings of names and values, those of parts by their own names too.

        A part may be given as settings, as the name of its kind, or as a dictionary. An option of a part may be given
        beside it: by its name where one part alone has it, else as ``PART_OPTION``: ``critic_width=64``.

        Raises:
            ArgumentError: If a value is out of range or without effect.
            ArgumentTypeError: If a name is unknown or ambiguous, or a value has the wrong type.
        """
        own = {each.name for each in fields(cls)}
        direct = {name: value for name, value in given.items() if name in own}
        parts = {}
        for name, kinds in _parts(cls).items():
            value = direct.get(name, getattr(cls, name))
            parts[name] = direct[name] = _part(name, kinds, value) if name in direct else value
            _checked(cls.__dataclass_fields__[name], _hints(cls)[name], parts[name])
        changes: dict[str, dict[str, Any]] = {}
        for name, value in given.items():
            if name not in own:
                part, option = _place(cls, name, parts)
                if option in changes.setdefault(part, {}):
                    raise ArgumentTypeError(f"The option `{option}` of `{part}` is given twice.")
                changes[part][option] = value
        for part, options in changes.items():
            with renamed_arguments({option: f"{part}_{option}" for option in options if f"{part}_{option}" in given}):
                direct[part] = replace(parts[part], **options)
        return cls(**direct)

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON and TOML can hold them; an object of the user's own becomes the word "custom"."""
        found: dict[str, Any] = {"kind": self.kind} if self.kind else {}
        return found | {each.name: _plain(getattr(self, each.name)) for each in fields(self)}

    @classmethod
    def without_none_words(cls, table: Mapping[str, Any]) -> dict[str, Any]:
        """Return a table of TOML, which knows no None, with None for the word "none" wherever None is a value."""
        found: dict[str, Any] = {}
        reached = dict(_reached(cls))
        for name, value in table.items():
            if isinstance(value, Mapping):
                kinds = _parts(cls).get(name, ())
                chosen = [kind for kind in kinds if kind.kind == value.get("kind", kinds[0].kind)]
                found[name] = chosen[0].without_none_words(value) if chosen else dict(value)
            elif value == "none" and any(_NONE in _members(hint) for hint in reached.get(name, ())):
                found[name] = None
            else:
                found[name] = value
        return found

    @classmethod
    def names(cls) -> list[str]:
        """Return all names that :meth:`of` may know, those of parts included."""
        return [name for name, _ in _reached(cls)]


CUSTOM = "custom"
"""What stands for an object of the user's own in a dictionary."""


def unknown_name(name: str, known: Collection[str], owner: str) -> ArgumentTypeError:
    """Return the error for an unknown option, which names the nearest known one, or all if none is near."""
    near = nearest(name, known)
    remedy = f"the known ones are {', '.join(known)}." if near is None else f"did you mean `{near}`?"
    return ArgumentTypeError(f"{owner} has no option `{name}`: {remedy}")


def option_rows(kind: type[Settings]) -> list[tuple[str, str, str, str]]:
    """Return name, default, range and text of each option, for tables."""
    return [
        (each.name, _shown(each.default), _range(_hints(kind)[each.name], each), _sentence(each))
        for each in fields(kind)
    ]


def kinds_of_parts(kind: type[Settings]) -> dict[str, tuple[type[Settings], ...]]:
    """Return for each option that is a part of its own the classes that it may have."""
    return dict(_parts(kind))


def _hints(kind: type[Settings]) -> dict[str, Any]:
    """Return the type of each option."""
    if kind not in _HINTS:  # mypy takes no class for hashable, as a cached function wants it
        hints = get_type_hints(kind)
        _HINTS[kind] = {each.name: hints[each.name] for each in fields(kind)}
    return _HINTS[kind]


def _members(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, or the one type."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _parts(kind: type[Settings]) -> dict[str, tuple[type[Settings], ...]]:
    found = {}
    for each in fields(kind):
        kinds = tuple(m for m in _members(_hints(kind)[each.name]) if isinstance(m, type) and issubclass(m, Settings))
        if kinds:
            found[each.name] = kinds
    return found


def _reached(kind: type[Settings]) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Yield every name that an option of ``kind`` or of its parts may be given by, with the types that it may have."""
    found: dict[str, list[Any]] = {name: [hint] for name, hint in _hints(kind).items()}
    for part, kinds in _parts(kind).items():
        for each in kinds:
            for name, hint in _hints(each).items():
                found.setdefault(f"{part}_{name}", []).append(hint)
                found.setdefault(name, []).append(hint)
    yield from ((name, tuple(hints)) for name, hints in found.items())


def _part(name: str, kinds: tuple[type[Settings], ...], value: Any) -> Any:
    """Return a part given as settings, as the name of its kind, as a dictionary, or as the caller's own object."""
    if isinstance(value, str):
        named = {each.kind: each for each in kinds if each.kind}
        if value not in named:
            raise ArgumentError(
                f"Argument `{name}` must be one of {', '.join(map(repr, named))}, or settings, but is {value!r}."
            )
        return named[value]()
    if isinstance(value, Mapping):
        options = dict(value)
        named = {each.kind: each for each in kinds}
        word = options.pop("kind", kinds[0].kind)
        chosen = named[check_choice(f"{name}.kind", word, list(named))]
        with renamed_arguments({option: f"{name}.{option}" for option in options}):
            return chosen.of(**options)
    return value


def _place(kind: type[Settings], name: str, parts: Mapping[str, Any]) -> tuple[str, str]:
    """Return the part and its option that ``name`` means."""
    held = {part: [each.name for each in fields(value)] for part, value in parts.items() if isinstance(value, Settings)}
    for part, options in held.items():
        if name.startswith(f"{part}_") and name.removeprefix(f"{part}_") in options:
            return part, name.removeprefix(f"{part}_")
    places = [part for part, options in held.items() if name in options]
    if len(places) == 1:
        return places[0], name
    if places:
        raise ArgumentTypeError(
            f"The option `{name}` is ambiguous: give {' or '.join(f'`{part}_{name}`' for part in places)}."
        )
    known = kind.names()
    if name in known:
        for part, kinds in _parts(kind).items():
            options = [option for each in kinds for option in each.names()]
            if name in options or name.removeprefix(f"{part}_") in options:
                chosen = repr(parts[part].kind) if part in held else "not one of the package's"
                raise ArgumentError(f"Argument `{name}` has no effect where `{part}` is {chosen}: leave it out.")
    raise unknown_name(name, known, kind.__name__.removesuffix("Config"))


def _checked(option: Field[Any], hint: Any, value: Any) -> Any:
    """Return ``value`` in the form of its type, or raise in the grammar of all argument errors."""
    if hint is Any:
        return value
    members = _members(hint)
    if value is None and _NONE in members:
        return None
    rest = [member for member in members if member is not _NONE]
    name, bounds = option.name, {each: option.metadata[each] for each in _RANGE}
    words = [word for member in rest if get_origin(member) is Literal for word in get_args(member)]
    if words and (len(rest) == 1 or isinstance(value, str)):
        return check_choice(name, value, words)
    sequences = [member for member in rest if get_origin(member) is tuple]
    if sequences and (len(rest) == 1 or isinstance(value, (list, tuple))):
        return _sequence(name, sequences[0], value, bounds)
    if rest == [int]:
        return _number(name, value, int, bounds)
    if rest == [float]:
        return _number(name, value, float, bounds)
    classes = tuple(member for member in rest if isinstance(member, type))
    if not isinstance(value, classes) or (isinstance(value, bool) and bool not in classes):
        taken = [*classes, *([tuple] if sequences else [])]
        known = " or ".join([*map(repr, words), *(_WORDS.get(each, each.__name__) for each in taken)])
        known += " or None" if _NONE in members else ""
        remedy = ": wrap it, as ParametrizedCircuit(circuit, input_params, weight_params)" * (
            type(value).__name__ == "QuantumCircuit"
        )
        raise ArgumentTypeError(f"Argument `{name}` must be {known}, but is of type {type(value).__name__}{remedy}.")
    return value


def _number(name: str, value: Any, kind: type[int] | type[float], bounds: Mapping[str, Any]) -> int | float:
    low, high, above, below = (bounds[each] for each in _RANGE)
    if kind is int:
        return check_int(name, value, minimum=-(2**63) if low is None else int(low), maximum=high)
    limits: dict[str, Any] = {}
    if low is not None or above is not None:
        limits |= {"minimum": low if above is None else above, "open_minimum": above is not None}
    if high is not None or below is not None:
        limits |= {"maximum": high if below is None else below, "open_maximum": below is not None}
    return check_float(name, value, **limits)


def _sequence(name: str, hint: Any, value: Any, bounds: Mapping[str, Any]) -> tuple[Any, ...]:
    members = get_args(hint)
    if not isinstance(value, (list, tuple)):
        kind = "names" if str in members or get_origin(members[0]) is Literal else "numbers"
        raise ArgumentTypeError(f"Argument `{name}` must be a list of {kind}, but is of type {type(value).__name__}.")
    if members[-1] is not Ellipsis and len(value) != len(members):
        raise ArgumentError(f"Argument `{name}` must have shape ({len(members)},), but has shape ({len(value)},).")
    kinds = [members[0]] * len(value) if members[-1] is Ellipsis else list(members)
    found: list[Any] = []
    for index, (kind, each) in enumerate(zip(kinds, value, strict=True)):
        place = f"{name}[{index}]"
        if kind in (int, float):
            found.append(_number(place, each, kind, bounds))
        elif get_origin(kind) is Literal:
            found.append(check_choice(place, each, get_args(kind)))
        elif isinstance(each, kind):
            found.append(each)
        else:
            raise ArgumentTypeError(
                f"Argument `{place}` must be of type {kind.__name__}, but is of type {type(each).__name__}."
            )
    return tuple(found)


def _plain(value: Any) -> Any:
    if isinstance(value, Settings):
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return value if value is None or isinstance(value, (bool, int, float, str)) else CUSTOM


def _sentence(option: Field[Any]) -> str:
    source = option.metadata["source"]
    return f"{option.metadata['text']}{f' ({source})' if source else ''}."


def _shown(default: Any) -> str:
    if default is MISSING:
        return ""
    return f"{type(default).__name__}()" if isinstance(default, Settings) else repr(default)


def _range(hint: Any, option: Field[Any]) -> str:
    words = [repr(word) for member in _members(hint) if get_origin(member) is Literal for word in get_args(member)]
    if words:
        return ", ".join(words)
    low, high, above, below = (option.metadata[each] for each in _RANGE)
    left = f"({above:g}" if above is not None else f"[{low:g}" if low is not None else "(-inf"
    right = f"{below:g})" if below is not None else f"{high:g}]" if high is not None else "inf)"
    return "" if (left, right) == ("(-inf", "inf)") else f"{left}, {right}"


__all__ = ["CUSTOM", "Settings", "kinds_of_parts", "option_rows", "setting", "unknown_name"]
