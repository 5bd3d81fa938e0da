"""Every valid statement of either edition, from the data model of the specification (xAPI 1.0.3 Data 2.4; IEEE 9274.1.1
4.2 for 2.0). Each part cites its table.

full: with every property that may be there, and no list empty, so that there is something of everything to break.
Attachments always have a fileUrl: without one their data has to come along, which is not a matter of the statement.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from hypothesis import strategies as st

from app.lrs.validation import SIGNATURE_USAGE, VOIDED, Version
from tests.strategies import values
from tests.strategies.json_text import numbers
from tests.strategies.values import EXTENSIONS, IRIS, LANGUAGE_MAPS, LANGUAGES, TEXTS, UUIDS

Object = dict[str, Any]
Objects = st.SearchStrategy[Object]
Kind = Literal["Activity", "Agent", "Group", "StatementRef", "SubStatement"]

KINDS: tuple[Kind, ...] = ("Activity", "Agent", "Group", "StatementRef", "SubStatement")
COMPONENTS: dict[str, tuple[str, ...]] = {
    "true-false": (),
    "choice": ("choices",),
    "fill-in": (),
    "long-fill-in": (),
    "matching": ("source", "target"),
    "performance": ("steps",),
    "sequencing": ("choices",),
    "likert": ("scale",),
    "numeric": (),
    "other": (),
}
"""Which component lists go with which interactionType (Data 2.4.4.1, Interaction Components)."""


def _record(full: bool, required: Mapping[str, Any], optional: Mapping[str, Any]) -> Objects:
    if full:
        return st.fixed_dictionaries({**required, **optional})
    return st.fixed_dictionaries(dict(required), optional=dict(optional))


def _some(full: bool, items: st.SearchStrategy[Any], most: int = 2) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, min_size=1 if full else 0, max_size=most)


def _word(text: str) -> st.SearchStrategy[str]:
    return st.just(text)


ACCOUNTS: Objects = st.fixed_dictionaries(
    {"homePage": IRIS, "name": st.one_of(TEXTS, st.sampled_from(["+4930123456", "ann@example.com", "17"]))}
)
"""Data 2.4.2.4. Names that read like a phone number or an address mean more to this system than to others."""

_IDENTIFIERS: Objects = st.one_of(
    st.fixed_dictionaries({"mbox": values.MBOXES}),
    st.fixed_dictionaries({"mbox_sha1sum": values.SHA1S}),
    st.fixed_dictionaries({"openid": values.URIS}),
    st.fixed_dictionaries({"account": ACCOUNTS}),
)
"""Exactly one of the four inverse functional identifiers (Data 2.4.2.3)."""


def _merged(*parts: Object) -> Object:
    return {key: value for part in parts for key, value in part.items()}


@lru_cache
def agents(full: bool = False, *, typed: bool = False) -> Objects:
    """Agents (Data 2.4.2.1). typed: with their objectType, which they need as the object of a statement (2.4.4.2)."""
    word = {"objectType": _word("Agent")}
    rest = _record(full, word if typed else {}, {"name": TEXTS} if typed else {**word, "name": TEXTS})
    return st.builds(_merged, _IDENTIFIERS, rest)


@lru_cache
def groups(full: bool = False) -> Objects:
    """Groups, anonymous with at least one member and identified with or without (Data 2.4.2.2)."""
    members = st.lists(agents(full), min_size=1, max_size=2)
    word = {"objectType": _word("Group")}
    anonymous = _record(full, {**word, "member": members}, {"name": TEXTS})
    rest = _record(full, word, {"name": TEXTS, "member": _some(full, agents(full))})
    return st.one_of(anonymous, st.builds(_merged, _IDENTIFIERS, rest))


@lru_cache
def actors(full: bool = False) -> Objects:
    """Agents and Groups (Data 2.4.2)."""
    return st.one_of(agents(full), groups(full))


@lru_cache
def authorities(full: bool = False) -> Objects:
    """An Agent, or the two Agents of OAuth as an anonymous Group (Data 2.4.9)."""
    pair = st.lists(agents(full), min_size=2, max_size=2)
    return st.one_of(agents(full), _record(full, {"objectType": _word("Group"), "member": pair}, {"name": TEXTS}))


def _components(full: bool) -> st.SearchStrategy[list[Object]]:
    component = _record(full, {"id": TEXTS}, {"description": LANGUAGE_MAPS})
    return st.lists(component, min_size=1 if full else 0, max_size=2, unique_by=lambda one: str(one["id"]))


@lru_cache
def definitions(full: bool = False) -> Objects:
    """Activity definitions, plain and of every kind of interaction with its components (Data 2.4.4.1)."""
    plain = {
        "name": LANGUAGE_MAPS,
        "description": LANGUAGE_MAPS,
        "type": IRIS,
        "moreInfo": IRIS,
        "extensions": EXTENSIONS,
    }
    patterns = _some(full, st.one_of(TEXTS, st.sampled_from(["a[,]b", "{case_matters=true}a", "1[:]2", "a[.]1"])))
    interactions = [
        _record(
            full,
            {"interactionType": _word(kind)},
            {**plain, "correctResponsesPattern": patterns, **{name: _components(full) for name in lists}},
        )
        for kind, lists in COMPONENTS.items()
    ]
    return st.one_of(_record(full, {}, plain), *interactions)


@lru_cache
def activities(full: bool = False) -> Objects:
    """Activities, with and without their objectType (Data 2.4.4.1)."""
    return _record(full, {"id": IRIS}, {"objectType": _word("Activity"), "definition": definitions(full)})


REFERENCES: Objects = st.fixed_dictionaries({"objectType": _word("StatementRef"), "id": UUIDS})
"""Data 2.4.4.3, Statement References."""


@lru_cache
def results(full: bool = False) -> Objects:
    """Results; raw lies between min and max, of which each may be missing (Data 2.4.5)."""
    bounds = {"min": numbers(-900, -500, -2), "raw": numbers(-500, 500, -2), "max": numbers(501, 900, -2)}
    score = _record(full, {}, {"scaled": numbers(-1000, 1000, -3), **bounds})
    return _record(
        full,
        {},
        {
            "score": score,
            "success": st.booleans(),
            "completion": st.booleans(),
            "response": TEXTS,
            "duration": values.DURATIONS,
            "extensions": EXTENSIONS,
        },
    )


def _companions(full: bool, inner: str, who: Objects) -> st.SearchStrategy[list[Object]]:
    """contextAgents and contextGroups of 2.0 (IEEE 9274.1.1 4.2.2.5): relevantTypes is not empty where it is there."""
    kind = {"objectType": _word(f"context{inner.capitalize()}"), inner: who}
    return _some(full, _record(full, kind, {"relevantTypes": st.lists(IRIS, min_size=1, max_size=2)}), 1)


@lru_cache
def contexts(version: Version, full: bool = False, *, of_activity: bool = True) -> Objects:
    """Contexts; revision and platform only where the object of the statement is an Activity (Data 2.4.6)."""
    one_or_many = st.one_of(activities(full), _some(full, activities(full)))
    parent = {"parent": one_or_many}
    others = dict.fromkeys(("grouping", "category", "other"), one_or_many)
    optional: dict[str, Any] = {
        "registration": UUIDS,
        "instructor": actors(full),
        "team": groups(full),
        "contextActivities": _record(False, parent if full else {}, others if full else parent | others),
        "language": LANGUAGES,
        "statement": REFERENCES,
        "extensions": EXTENSIONS,
    }
    if of_activity:
        optional |= {"revision": TEXTS, "platform": TEXTS}
    if version == "2.0":
        optional["contextAgents"] = _companions(full, "agent", agents(full))
        optional["contextGroups"] = _companions(full, "group", groups(full))
    return _record(full, {}, optional)


@lru_cache
def attachments(full: bool = False) -> st.SearchStrategy[list[Object]]:
    """Attachments whose data lies elsewhere (Data 2.4.11); a signature among them is not fetched (Data 2.6)."""
    described = {"display": LANGUAGE_MAPS, "length": st.integers(0, 2**40), "sha2": values.SHA2S, "fileUrl": IRIS}
    plain = _record(
        full, {"usageType": IRIS, "contentType": values.MEDIA_TYPES, **described}, {"description": LANGUAGE_MAPS}
    )
    signature = {"usageType": _word(SIGNATURE_USAGE), "contentType": _word("application/octet-stream"), **described}
    return _some(full, plain if full else st.one_of(plain, st.fixed_dictionaries(signature)), 1)


@lru_cache
def _verbs(full: bool, verb_ids: tuple[str, ...] = ()) -> Objects:
    """Verbs (Data 2.4.3)."""
    return _record(full, {"id": st.sampled_from(verb_ids) if verb_ids else IRIS}, {"display": LANGUAGE_MAPS})


def _about(version: Version, full: bool, kind: Kind, shared: Mapping[str, Any]) -> tuple[Objects, Mapping[str, Any]]:
    """The object of that kind, and what the statement around it shares with a SubStatement."""
    target: dict[Kind, Any] = {
        "Activity": lambda: activities(full),
        "Agent": lambda: agents(full, typed=True),
        "Group": lambda: groups(full),
        "StatementRef": lambda: REFERENCES,
        "SubStatement": lambda: _sub_statements(version, full),
    }
    return target[kind](), {**shared, "context": contexts(version, full, of_activity=kind == "Activity")}


def _shared(version: Version, full: bool) -> dict[str, Any]:
    return {"result": results(full), "timestamp": values.timestamps(version), "attachments": attachments(full)}


@lru_cache
def _sub_statements(version: Version, full: bool) -> Objects:
    """Statements without id, stored, version and authority, and without another of their kind (Data 2.4.4.3)."""
    one_of_each = []
    for kind in KINDS[:-1]:
        target, optional = _about(version, full, kind, _shared(version, full))
        required = {"objectType": _word("SubStatement"), "actor": actors(full), "verb": _verbs(full), "object": target}
        one_of_each.append(_record(full, required, optional))
    return st.one_of(one_of_each)


@lru_cache
def statements(version: Version, *, full: bool = False, kind: Kind | None = None) -> Objects:
    """Valid statements of an edition (Data 2.4), none of which voids another. kind: that of their object, else any."""
    if kind is None:
        return st.one_of([statements(version, full=full, kind=each) for each in KINDS])
    target, shared = _about(version, full, kind, _shared(version, full))
    optional = {
        **shared,
        "id": UUIDS,
        "stored": values.timestamps(version),
        "authority": authorities(full),
        "version": values.versions_of_statements(version),
    }
    return _record(full, {"actor": actors(full), "verb": _verbs(full), "object": target}, optional)


@lru_cache
def voiding_statements(version: Version) -> Objects:
    """Valid statements that void another one, which need not be there (Data 2.3.2)."""
    voids = _verbs(False, (VOIDED,))
    return st.builds(lambda one, verb: {**one, "verb": verb}, statements(version, kind="StatementRef"), voids)
