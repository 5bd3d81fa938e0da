"""How a valid statement is broken in one place, and where that has to be told."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from app.lrs.validation import Version
from tests.strategies.places import IDENTIFIERS, LISTS, Place, Step, dotted, places
from tests.strategies.statements import COMPONENTS

Told = tuple[Step, ...]
BOTH: tuple[Version, ...] = ("1.0", "2.0")


@dataclass(frozen=True)
class Change:
    """What is done to the value of a place. apply: the new value and where problems are told, as steps from the place;
    None where it cannot be done."""

    name: str
    apply: Callable[[Any], tuple[Any, list[Told]] | None]


@dataclass(frozen=True)
class Mutation:
    """One way to break a MUST: a clause of xAPI 1.0.3 Data (or another one, named), at any place with the tag `on`.

    told: the properties of the place at which it is told, "" for the place itself, where that is not what the change
    says by itself. loose: something else may be told beside it, since the mistake makes it another kind of thing.
    """

    clause: str
    on: str
    change: Change
    told: tuple[str, ...] | None = None
    versions: tuple[Version, ...] = BOTH
    loose: bool = False

    def __str__(self) -> str:
        return f"{self.clause} {self.on}: {self.change.name}"


@dataclass(frozen=True)
class Broken:
    """A statement that is broken in one place, and the paths at which that has to be told."""

    statement: Any
    paths: list[str]


class Breakable:
    """A valid statement, taken apart once, so that many mutations can be tried on it."""

    def __init__(self, statement: dict[str, Any], chosen: Random) -> None:
        """chosen: decides by chance at which of several places a mutation happens."""
        self._statement, self._chosen = statement, chosen
        self._places: defaultdict[str, list[Place]] = defaultdict(list)
        for place in places(statement):
            for tag in place.tags:
                self._places[tag].append(place)

    def broken(self, mutation: Mutation) -> Broken | None:
        """A copy with the mutation at one of the places that it fits; None where there is none."""
        found = self._places[mutation.on]
        for place in self._chosen.sample(found, len(found)):
            if (changed := mutation.change.apply(place.value)) is not None:
                value, told = changed
                if mutation.told is not None:
                    told = [(name,) if name else () for name in mutation.told]
                paths = sorted(dotted((*place.steps, *steps)) for steps in told)
                return Broken(_replaced(self._statement, place, value), paths)
        return None


def _replaced(statement: dict[str, Any], place: Place, value: Any) -> Any:
    """A copy of the statement with another value at a place; what lies beside the way there is shared."""
    if not place.steps:
        return value
    top: Any = dict(statement)
    within = top
    for step in place.steps[:-1]:
        within[step] = within[step].copy()
        within = within[step]
    within[place.steps[-1]] = value
    return top


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)[:60]


def become(value: Any) -> Change:
    """Another value in its place."""
    return Change(f"becomes {_shown(value)}", lambda old: None if old == value else (value, [()]))


def put(key: str, value: Any) -> Change:
    """A property put in, or another value for it."""
    return Change(f"{key} {_shown(value)}", lambda old: ({**old, key: value}, [(key,)]))


def merge(**more: Any) -> Change:
    """Several properties at once, which are wrong together only; told at the place unless the mutation says where."""
    return Change(f"with {_shown(more)}", lambda old: ({**old, **more}, [()]))


def without(key: str) -> Change:
    """A property left out."""
    return Change(
        f"without {key}",
        lambda old: ({name: item for name, item in old.items() if name != key}, [(key,)]) if key in old else None,
    )


def renamed(key: str, name: str, *, required: bool) -> Change:
    """A property under another name; where it is required, it is missed as well."""

    def apply(old: dict[str, Any]) -> tuple[Any, list[Told]] | None:
        if key not in old:
            return None
        return {name if k == key else k: item for k, item in old.items()}, [(name,), (key,)] if required else [(name,)]

    return Change(f"{name} for {key}", apply)


def one_more(value: Any) -> Change:
    """One entry more in a list."""
    return Change(f"and {_shown(value)}", lambda old: ([*old, value], [(len(old),)]))


def last_is(value: Any) -> Change:
    """Another value for the last entry of a list."""
    return Change(f"ends in {_shown(value)}", lambda old: ([*old[:-1], value], [(len(old) - 1,)]) if old else None)


def adapted(name: str, adapt: Callable[[Any], Any]) -> Change:
    """A value that is made from the old one; None where that cannot be done."""

    def apply(old: Any) -> tuple[Any, list[Told]] | None:
        new = adapt(old)
        return None if new is None or new == old else (new, [()])

    return Change(name, apply)


def _first(keys: Iterable[str], old: dict[str, Any], *, there: bool) -> str | None:
    return next((key for key in keys if (key in old) is there), None)


def _identified_twice(old: dict[str, Any]) -> dict[str, Any] | None:
    has, free = _first(IDENTIFIERS, old, there=True), _first(reversed(IDENTIFIERS), old, there=False)
    others = {"openid": "https://ann.example.com/", "account": {"homePage": "https://lms.example.com", "name": "17"}}
    return {**old, str(free): others[str(free)]} if has and free in others else None


def _not_identified(old: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in old.items() if key not in IDENTIFIERS}


def _with_foreign_list(old: dict[str, Any]) -> tuple[Any, list[Told]]:
    foreign = next(name for name in LISTS if name not in COMPONENTS[old["interactionType"]])
    return {**old, foreign: [{"id": "a"}]}, [(foreign,)]


def _of_another_type(old: dict[str, Any]) -> tuple[Any, list[Told]] | None:
    lists = [name for name in LISTS if name in old]
    return ({**old, "interactionType": "numeric"}, [(name,) for name in lists]) if lists else None


def _first_twice(old: list[dict[str, Any]]) -> tuple[Any, list[Told]] | None:
    return ([*old, {"id": old[0]["id"]}], [(len(old), "id")]) if old else None


IDENTIFIED_TWICE = adapted("has two identifiers", _identified_twice)
NOT_IDENTIFIED = adapted("has no identifier", _not_identified)
FOREIGN_LIST = Change("has components of another interactionType", _with_foreign_list)
ANOTHER_TYPE = Change("has an interactionType for which its components are not", _of_another_type)
SAME_COMPONENT_TWICE = Change("holds a component twice", _first_twice)
EMPTY_RANGE = Change("min equals max", lambda old: ({**old, "min": old["max"]}, [("min",)]) if "max" in old else None)
LOWER_CASE = adapted("in lower case", lambda old: old.lower() if isinstance(old, str) else None)
UPPER_CASE = adapted("in upper case", lambda old: old.upper() if isinstance(old, str) else None)
