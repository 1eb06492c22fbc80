"""Settings: names in and out, ranges, parts, words for None."""

import copy
import dataclasses
import pickle
from typing import Any, ClassVar, Literal

import pytest

from qiskit_qgen._settings import CUSTOM, Settings, kinds_of_parts, option_rows, setting
from qiskit_qgen.exceptions import ArgumentError, ArgumentTypeError

BAD, WRONG = ArgumentError, ArgumentTypeError


class Round(Settings):
    """A wheel."""

    kind: ClassVar[str] = "round"
    radius: float = setting("Radius in metres", default=1.0, above=0)
    spokes: int | None = setting("Number of spokes; None for a disc", default=None, minimum=3)
    grip: int = setting("Grip", default=5, minimum=0)


class Tracked(Settings):
    """A chain."""

    kind: ClassVar[str] = "tracked"
    links: int = setting("Number of links", default=30, source="DIN 1", minimum=4, maximum=99)
    coating: str | None = setting("Coating; None for bare steel", default="rubber")


class Engine(Settings):
    """An engine."""

    power: float = setting("Power", default=50.0, minimum=0, below=1000)
    grip: int = setting("Grip", default=1, minimum=0)


class Car(Settings):
    """A car."""

    colour: Literal["red", "blue"] | bytes = setting("Colour, or a paint of your own", default="red")
    seats: tuple[int, ...] = setting("Seats in each row", default=(2, 3), minimum=1)
    size: tuple[float, float] | None = setting("Length and width", default=None, above=0, maximum=10)
    name: str = setting("Name", default="")
    has_roof: bool = setting("Whether it has a roof", default=True)
    extras: tuple[Literal["radio", "hook"], ...] = setting("Extras", default=())
    load: Any = setting("What it carries", default=None)
    drive: Round | Tracked | bytearray = setting("What it drives on", default=Round())
    engine: Engine = setting("Its engine", default=Engine())

    def check(self):
        if not self.has_roof:
            self.refuse(("colour",), "without a roof")


def sentence(error, function, *arguments, **options):
    with pytest.raises(error) as caught:
        function(*arguments, **options)
    return str(caught.value)


def test_values_take_the_form_of_their_type():
    car = Car(seats=[2, 2], size=[4, 2], extras=["hook"])
    assert (car.seats, car.size, car.extras) == ((2, 2), (4.0, 2.0), ("hook",))
    assert [type(each) for each in car.size] == [float, float]
    assert Car(colour=b"own").colour == b"own"
    assert Car(load=[1, {"a": 2}]).load == [1, {"a": 2}]


@pytest.mark.parametrize(
    ("make", "options", "error", "rule"),
    [
        (Round, {"radius": 0}, BAD, "Argument `radius` must be a number in (0, inf), but is 0."),
        (Round, {"radius": "1"}, WRONG, "Argument `radius` must be a number in (0, inf), but is '1'."),
        (Round, {"spokes": 2}, BAD, "Argument `spokes` must be an integer of at least 3, but is 2."),
        (Round, {"grip": None}, WRONG, "Argument `grip` must be a non-negative integer, but is None."),
        (Tracked, {"links": 100}, BAD, "Argument `links` must be an integer from 4 to 99, but is 100."),
        (Tracked, {"links": True}, BAD, "Argument `links` must be an integer from 4 to 99, but is True."),
        (Tracked, {"coating": 3}, WRONG, "Argument `coating` must be a string or None, but is of type int."),
        (Engine, {"power": 1000}, BAD, "Argument `power` must be a number in [0, 1000), but is 1000."),
        (Engine, {"power": float("nan")}, BAD, "Argument `power` must be a number in [0, 1000), but is nan."),
        (Car, {"colour": "gold"}, BAD, "Argument `colour` must be one of 'red', 'blue', but is 'gold'."),
        (
            Car,
            {"colour": 3},
            WRONG,
            "Argument `colour` must be 'red' or 'blue' or bytes, but is of type int.",
        ),
        (Car, {"seats": [2, 0]}, BAD, "Argument `seats[1]` must be a positive integer, but is 0."),
        (Car, {"seats": 5}, WRONG, "Argument `seats` must be a list of numbers, but is of type int."),
        (Car, {"size": (1, 2, 3)}, BAD, "Argument `size` must have shape (2,), but has shape (3,)."),
        (Car, {"size": (1, 11)}, BAD, "Argument `size[1]` must be a number in (0, 10], but is 11."),
        (Car, {"extras": ["hat"]}, BAD, "Argument `extras[0]` must be one of 'radio', 'hook', but is 'hat'."),
        (Car, {"has_roof": 1}, WRONG, "Argument `has_roof` must be True or False, but is of type int."),
        (Car, {"name": None}, WRONG, "Argument `name` must be a string, but is of type NoneType."),
        (Car, {"engine": 3}, WRONG, "Argument `engine` must be Engine, but is of type int."),
        (
            Car,
            {"has_roof": False, "colour": "blue"},
            BAD,
            "Argument `colour` has no effect without a roof: leave it out.",
        ),
        (Car, {"weels": 3}, WRONG, "Car has no option `weels`: the known ones are colour, seats, size, name, "),
        (Car, {"nane": "x"}, WRONG, "Car has no option `nane`: did you mean `name`?"),
        (Car.of, {"sopkes": 3}, WRONG, "Car has no option `sopkes`: did you mean `spokes`?"),
        (Car.of, {"engine_powr": 3}, WRONG, "Car has no option `engine_powr`: did you mean `engine_power`?"),
        (Car.of, {"spokes": 2}, BAD, "Argument `spokes` must be an integer of at least 3, but is 2."),
        (Car.of, {"drive_spokes": 2}, BAD, "Argument `drive_spokes` must be an integer of at least 3, but is 2."),
        (Car.of, {"grip": 3}, WRONG, "The option `grip` is ambiguous: give `drive_grip` or `engine_grip`."),
        (Car.of, {"links": 9}, BAD, "Argument `links` has no effect where `drive` is 'round': leave it out."),
        (
            Car.of,
            {"drive": bytearray(), "links": 9},
            BAD,
            "Argument `links` has no effect where `drive` is not one of the package's: leave it out.",
        ),
        (
            Car.of,
            {"drive": "flat"},
            BAD,
            "Argument `drive` must be one of 'round', 'tracked', or settings, but is 'flat'.",
        ),
        (
            Car.of,
            {"drive": {"kind": "flat"}},
            BAD,
            "Argument `drive.kind` must be one of 'round', 'tracked', but is 'flat'.",
        ),
        (Car.of, {"drive": {"spokes": 2}}, BAD, "Argument `drive.spokes` must be an integer of at least 3, but is 2."),
        (Car.of, {"drive": {"hub": 2}}, WRONG, "Round has no option `drive.hub`: the known ones are radius, "),
        (Car.of, {"engine": None}, WRONG, "Argument `engine` must be Engine, but is of type NoneType."),
        (
            Car.of,
            {"power": 1, "engine_power": 2},
            WRONG,
            "The option `power` of `engine` is given twice.",
        ),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(make, options, error, rule):
    assert sentence(error, make, **options).startswith(rule)


def test_parts_are_given_in_four_ways():
    tracked = Tracked(links=8)
    for drive in (tracked, {"kind": "tracked", "links": 8}):
        assert Car.of(drive=drive) == Car(drive=tracked)
    assert Car.of(drive="tracked", links=8) == Car.of(drive="tracked", drive_links=8) == Car(drive=tracked)
    assert Car.of(drive=tracked, links=9) == Car(drive=Tracked(links=9))
    assert Car.of(drive={"spokes": 5}) == Car.of(spokes=5) == Car(drive=Round(spokes=5))
    assert Car.of(drive_grip=0, engine_grip=9) == Car(drive=Round(grip=0), engine=Engine(grip=9))
    assert Car.of(grip=7, drive=bytearray(b"own")).engine.grip == 7  # one part alone has it now
    assert kinds_of_parts(Car) == {"drive": (Round, Tracked), "engine": (Engine,)}


@pytest.mark.parametrize("car", [Car(), Car.of(drive="tracked", links=8, power=3, size=(4, 2), seats=[1])])
def test_dictionaries_hold_plain_values_and_lead_back(car):
    assert Car.of(**car.to_dict()) == car
    assert type(car.to_dict()["seats"]) is list
    assert car.to_dict()["drive"]["kind"] == car.drive.kind
    assert Car(load=object(), drive=bytearray()).to_dict() | {} == Car().to_dict() | {"load": CUSTOM, "drive": CUSTOM}
    assert Car(load={"a": (1, 2)}).to_dict()["load"] == {"a": [1, 2]}


def test_the_word_none_is_none_where_that_is_a_value():
    table = {"size": "none", "name": "none", "spokes": "none", "engine": {"power": "none"}, "unknown": "none"}
    found = Car.without_none_words(table)
    assert found == {**table, "size": None, "spokes": None}
    drives = [{"spokes": "none"}, {"kind": "tracked", "coating": "none"}, {"kind": "flat", "coating": "none"}]
    found = [Car.without_none_words({"drive": drive})["drive"] for drive in drives]
    assert found == [{"spokes": None}, {"kind": "tracked", "coating": None}, {"kind": "flat", "coating": "none"}]


def test_settings_are_frozen_values_given_by_keyword():
    car = Car.of(spokes=5)
    with pytest.raises(dataclasses.FrozenInstanceError):
        car.name = "x"
    with pytest.raises(TypeError):
        Car("red")
    assert car == Car.of(drive_spokes=5)
    assert car != Car()
    assert hash(car) == hash(Car.of(spokes=5))
    for twin in (copy.copy(car), copy.deepcopy(car), pickle.loads(pickle.dumps(car)), dataclasses.replace(car)):  # noqa: S301
        assert twin == car
        assert type(twin) is Car
    assert "spokes" in sentence(ArgumentError, dataclasses.replace, car.drive, spokes=1)


def test_documentation_and_tables_come_from_the_declaration():
    assert Tracked.__doc__.startswith("A chain.\n\nAttributes:\n    links: Number of links (DIN 1).\n    coating: ")
    assert option_rows(Tracked)[0] == ("links", "30", "[4, 99]", "Number of links (DIN 1).")
    assert [row[1:3] for row in option_rows(Car)[:3]] == [
        ("'red'", "'red', 'blue'"),
        ("(2, 3)", "[1, inf)"),
        ("None", "(0, 10]"),
    ]
    assert option_rows(Car)[-1][:3] == ("engine", "Engine()", "")
    assert {"size", "spokes", "drive_spokes", "links", "engine_grip", "grip"} < set(Car.names())
