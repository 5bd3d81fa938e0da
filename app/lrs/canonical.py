"""What the record knows of activities and verbs, gathered from the statements that speak of them. Pure.

A definition or a display that is passed in is never changed; what comes back may share parts with it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

COMPONENT_LISTS = ("choices", "scale", "source", "target", "steps")
"""The lists of a definition whose entries carry a language map of their own (xAPI 1.0.3 Data 2.4.4.1)."""

_INTERACTION = (*COMPONENT_LISTS, "correctResponsesPattern")
_MERGED_BY_KEY = frozenset({"name", "description", "extensions"})


def merge_definition(known: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    """The definition of an activity after another statement has described it.

    xAPI 1.0.3 Data 2.4.4.1 and Communication 2.5: language maps and extensions grow key by key, the newer text wins;
    everything else is replaced by what is given. Interaction components are replaced as a list, but the languages
    in which a component of the same id was described before stay. When the interactionType changes, what belonged
    to the old one goes, as a definition may not hold both.
    """
    if not known:
        return dict(new)
    merged = dict(known)
    if "interactionType" in new and new["interactionType"] != known.get("interactionType"):
        for key in _INTERACTION:
            merged.pop(key, None)
    for key, value in new.items():
        before = merged.get(key)
        if before and key in _MERGED_BY_KEY:
            merged[key] = {**before, **value}
        elif before and key in COMPONENT_LISTS:
            merged[key] = _merge_components(before, value)
        else:
            merged[key] = value
    return merged


def _merge_components(known: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[dict[str, Any]]:
    described = {component["id"]: component["description"] for component in known if component.get("description")}
    return [
        (
            {**component, "description": {**described[component["id"]], **component.get("description", {})}}
            if component["id"] in described
            else component
        )
        for component in new
    ]


def merge_display(known: Mapping[str, str] | None, new: Mapping[str, str]) -> dict[str, str]:
    """The display of a verb after another statement has shown it: key by key, the newer text wins.

    xAPI 1.0.3 Data 2.4.3, Verb Display LRS Requirements: the LRS may take its canonical display from statements.
    """
    return {**known, **new} if known else dict(new)


def definitions_in(statement: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What a statement says of its activities, by activity id; one that stands there twice is merged.

    The object, the context activities, and both again within a SubStatement (xAPI 1.0.3 Data 2.4.4.1, 2.4.6.2).
    Empty definitions say nothing and are left out.
    """
    found: dict[str, dict[str, Any]] = {}
    for activity in activities_in(statement):
        definition = activity.get("definition")
        if definition:
            found[activity["id"]] = merge_definition(found.get(activity["id"]), definition)
    return found


def displays_in(statement: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """How a statement displays its verbs, by verb id: its own and that of a SubStatement (xAPI 1.0.3 Data 2.4.3)."""
    found: dict[str, dict[str, str]] = {}
    for verb in verbs_in(statement):
        display = verb.get("display")
        if display:
            found[verb["id"]] = merge_display(found.get(verb["id"]), display)
    return found


def activities_in(statement: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every Activity of a valid statement: context activities first, then the object, then those of a SubStatement.

    xAPI 1.0.3 Data 2.4.4: an object without objectType is an Activity.
    """
    yield from context_activities(statement)
    target = statement["object"]
    kind = target.get("objectType", "Activity")
    if kind == "Activity":
        yield target
    elif kind == "SubStatement":
        yield from activities_in(target)


def context_activities(statement: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The context activities of all four kinds; a single one may stand without array (xAPI 1.0.3 Data 2.4.6.2)."""
    context = statement.get("context")
    if context and (kinds := context.get("contextActivities")):
        for activities in kinds.values():
            if isinstance(activities, dict):
                yield activities
            else:
                yield from activities


def verbs_in(statement: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The verb of a valid statement, and that of its SubStatement (xAPI 1.0.3 Data 2.4.3, 2.4.4.3)."""
    yield statement["verb"]
    target = statement["object"]
    if target.get("objectType") == "SubStatement":
        yield target["verb"]
