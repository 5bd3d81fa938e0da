"""The context of a statement, with what xAPI 2.0 added to it: contextAgents and contextGroups."""

from app.errors import Problem
from app.lrs.validation.activities import (
    validate_activity,
    validate_extensions,
    validate_statement_ref,
)
from app.lrs.validation.agents import validate_actor, validate_agent, validate_group
from app.lrs.validation.primitives import Version, is_extensions, is_iri, is_language_tag, is_uuid
from app.lrs.validation.report import (
    MOST_PROBLEMS,
    child,
    describe,
    missing,
    tell,
    unknown_keys,
    wrong_kind,
)

_CONTEXT_1_0 = frozenset(
    {
        "registration",
        "instructor",
        "team",
        "contextActivities",
        "revision",
        "platform",
        "language",
        "statement",
        "extensions",
    }
)
_CONTEXT_2_0 = _CONTEXT_1_0 | {"contextAgents", "contextGroups"}
_ONLY_2_0 = {
    key: f'"{key}" only in a request that says X-Experience-API-Version: 2.0.0'
    for key in ("contextAgents", "contextGroups")
}
_COMPANIONS = (
    ("contextAgents", "contextAgent", "agent"),
    ("contextGroups", "contextGroup", "group"),
)
_ACTIVITIES = frozenset({"parent", "grouping", "category", "other"})
_WITHIN_ACTIVITIES = {key: f'"{key}" within "contextActivities"' for key in _ACTIVITIES}


def validate_context(value: object, path: str, version: Version, problems: list[Problem], about_activity: bool) -> None:
    """Where and with whom it happened (xAPI 1.0.3 Data 2.4.6; IEEE 9274.1.1 4.2.2.5).

    about_activity: whether the object of the statement is an Activity; only then revision and
    platform may be there.
    """
    if type(value) is not dict:
        expected = 'An object, such as {"platform": "Example Learning"}'
        wrong_kind(problems, path, value, "a Context", expected)
        return
    allowed = _CONTEXT_2_0 if version == "2.0" else _CONTEXT_1_0
    if not allowed.issuperset(value):
        hints = _WITHIN_ACTIVITIES if version == "2.0" else _WITHIN_ACTIVITIES | _ONLY_2_0
        unknown_keys(problems, path, value, allowed, "a Context", elsewhere=hints)
    if "registration" in value and not is_uuid(value["registration"]):
        expected = 'A UUID, such as "ec531277-b57b-4c15-8d91-d292c5b2b8f7"'
        wrong_kind(problems, child(path, "registration"), value["registration"], "a UUID", expected)
    if "instructor" in value:
        validate_actor(value["instructor"], child(path, "instructor"), version, problems)
    if "team" in value:
        validate_group(value["team"], child(path, "team"), version, problems)
    if "contextActivities" in value:
        where = child(path, "contextActivities")
        _check_activities(value["contextActivities"], where, version, problems)
    if "revision" in value or "platform" in value:
        _check_edition(value, path, problems, about_activity)
    if "language" in value and not is_language_tag(value["language"]):
        expected = 'A language tag as in RFC 5646, such as "en-US"'
        wrong_kind(problems, child(path, "language"), value["language"], "a language tag", expected)
    if "statement" in value:
        validate_statement_ref(value["statement"], child(path, "statement"), problems)
    if "extensions" in value and not is_extensions(value["extensions"]):
        validate_extensions(value["extensions"], child(path, "extensions"), problems)
    if version == "2.0":
        _check_additions(value, path, problems)


def _check_edition(value: dict[str, object], path: str, problems: list[Problem], about_activity: bool) -> None:
    """xAPI 1.0.3 Data 2.4.6: revision and platform are strings, and only with an Activity."""
    for key in ("revision", "platform"):
        if key not in value:
            continue
        if type(value[key]) is not str:
            expected = 'A string, such as "2.1"'
            wrong_kind(problems, child(path, key), value[key], "a string", expected)
        elif not about_activity:
            message = "stands beside an object that is no Activity"
            expected = "No such property, unless the object of the statement is an Activity"
            tell(problems, child(path, key), message, expected)


def _check_activities(value: object, path: str, version: Version, problems: list[Problem]) -> None:
    """xAPI 1.0.3 Data 2.4.6.2: a single Activity stands for an array of one.

    2.0 keeps that: its conformance suite stores single Activities and wants them back as arrays.
    """
    if type(value) is not dict:
        expected = 'An object, such as {"parent": [{"id": "https://example.com/courses/1"}]}'
        wrong_kind(problems, path, value, "a map of Activities", expected)
        return
    if not _ACTIVITIES.issuperset(value):
        unknown_keys(problems, path, value, _ACTIVITIES, "contextActivities")
    for key, activities in value.items():
        if key not in _ACTIVITIES:
            continue
        where = f"{path}.{key}"
        if type(activities) is list:
            for index, activity in enumerate(activities):
                if len(problems) >= MOST_PROBLEMS:
                    return
                validate_activity(activity, f"{where}[{index}]", version, problems)
        elif type(activities) is dict:
            validate_activity(activities, where, version, problems)
        else:
            expected = 'An array of Activities, such as [{"id": "https://example.com/courses/1"}]'
            wrong_kind(problems, where, activities, "an array of Activities", expected)


def _check_additions(value: dict[str, object], path: str, problems: list[Problem]) -> None:
    """What only 2.0 has: contextAgents and contextGroups (IEEE 9274.1.1 4.2.2.5)."""
    for key, kind, inner in _COMPANIONS:
        if key in value:
            _check_companions(value[key], child(path, key), problems, kind, inner)


def _check_companions(value: object, path: str, problems: list[Problem], kind: str, inner: str) -> None:
    """One of the two lists, which are alike but for two words (IEEE 9274.1.1 4.2.2.5)."""
    if type(value) is not list:
        wrong_kind(problems, path, value, f"an array of {kind} objects", f"An array of {kind} objects")
        return
    allowed = frozenset({"objectType", inner, "relevantTypes"})
    for index, companion in enumerate(value):
        if len(problems) >= MOST_PROBLEMS:
            return
        where = f"{path}[{index}]"
        if type(companion) is not dict:
            expected = f'An object, such as {{"objectType": "{kind}", "{inner}": {{…}}}}'
            wrong_kind(problems, where, companion, f"a {kind}", expected)
            continue
        if not allowed.issuperset(companion):
            unknown_keys(problems, where, companion, allowed, f"a {kind}")
        if "objectType" not in companion:
            missing(problems, where, "objectType", f'"{kind}"')
        elif companion["objectType"] != kind:
            message = f'is {describe(companion["objectType"])}, not "{kind}"'
            tell(problems, f"{where}.objectType", message, f'"{kind}", with this spelling')
        if inner not in companion:
            missing(problems, where, inner, f"The {inner} that this {kind} is about")
        elif inner == "agent":
            validate_agent(companion[inner], f"{where}.{inner}", "2.0", problems)
        else:
            validate_group(companion[inner], f"{where}.{inner}", "2.0", problems)
        if "relevantTypes" in companion:
            _check_types(companion["relevantTypes"], f"{where}.relevantTypes", problems)


def _check_types(value: object, path: str, problems: list[Problem]) -> None:
    expected = 'A list of one or more IRIs, such as ["https://example.com/types/coach"]'
    if type(value) is not list or not value:
        wrong_kind(problems, path, value, "an array of IRIs", expected)
        return
    for index, kind in enumerate(value):
        if not is_iri(kind):
            if len(problems) >= MOST_PROBLEMS:
                return
            wrong_kind(problems, f"{path}[{index}]", kind, "an IRI", expected)
