"""Activities and the small things that several parts of a statement share: language maps,
extensions, references.
"""

from app.errors import Problem
from app.lrs.validation.primitives import (
    Version,
    is_extensions,
    is_iri,
    is_irl,
    is_language_map,
    is_language_tag,
    is_uuid,
)
from app.lrs.validation.report import (
    MOST_PROBLEMS,
    child,
    describe,
    keyed,
    missing,
    near_value,
    quoted,
    shown,
    tell,
    unknown_keys,
    wrong_kind,
)

# Which component lists go with which kind of interaction (xAPI 1.0.3 Data 2.4.4.1, Interaction
# Components).
COMPONENT_LISTS: dict[str, frozenset[str]] = {
    "true-false": frozenset(),
    "choice": frozenset({"choices"}),
    "fill-in": frozenset(),
    "long-fill-in": frozenset(),
    "matching": frozenset({"source", "target"}),
    "performance": frozenset({"steps"}),
    "sequencing": frozenset({"choices"}),
    "likert": frozenset({"scale"}),
    "numeric": frozenset(),
    "other": frozenset(),
}

_ACTIVITY = frozenset({"objectType", "id", "definition"})
_PLAIN_DEFINITION = frozenset({"name", "description", "type", "moreInfo", "extensions"})
_LISTS = frozenset({"choices", "scale", "source", "target", "steps"})
_INTERACTION = frozenset({"interactionType", "correctResponsesPattern"}) | _LISTS
_DEFINITION = _PLAIN_DEFINITION | _INTERACTION
_COMPONENT = frozenset({"id", "description"})
_REFERENCE = frozenset({"objectType", "id"})

_ACTIVITY_ID = 'An IRI with its scheme, such as "https://example.com/lessons/7"'
_UUID = 'A UUID, such as "8f87ccde-bb56-4c2e-ab83-44982ef22df0"'
_COMPONENTS = 'An array of components, such as [{"id": "a", "description": {"en": "Always"}}]'


def validate_language_map(value: object, path: str, problems: list[Problem]) -> None:
    """An object from RFC 5646 language tag to text (xAPI 1.0.3 Data 4.2)."""
    if type(value) is not dict:
        example = quoted(value) if isinstance(value, str) and value else '"some text"'
        expected = f'An object from language tag to text, such as {{"en-US": {example}}}'
        wrong_kind(problems, path, value, "a language map", expected)
        return
    for tag, text in value.items():
        if is_language_tag(tag) and type(text) is str:
            continue
        if len(problems) >= MOST_PROBLEMS:
            return
        where = keyed(path, tag)
        if not is_language_tag(tag):
            expected = 'A tag as in RFC 5646 for the key, such as "en-US"'
            tell(problems, where, f"has the key {shown(tag)}, which is no language tag", expected)
        if type(text) is not str:
            wrong_kind(problems, where, text, "a string", "The text in this language as a string")


def validate_extensions(value: object, path: str, problems: list[Problem]) -> None:
    """An object whose keys are IRIs; its values are nobody's business (xAPI 1.0.3 Data 4.1)."""
    if type(value) is not dict:
        expected = 'An object with IRIs as keys, such as {"https://example.com/ext/card": 3}'
        wrong_kind(problems, path, value, "an object of extensions", expected)
        return
    for key in value:
        if is_iri(key):
            continue
        if len(problems) >= MOST_PROBLEMS:
            return
        expected = 'An IRI with its scheme for the key, such as "https://example.com/ext/card"'
        tell(problems, keyed(path, key), f"has the key {shown(key)}, which is no IRI", expected)


def validate_statement_ref(value: object, path: str, problems: list[Problem]) -> None:
    """A pointer to another statement (xAPI 1.0.3 Data 2.4.4.3)."""
    if type(value) is not dict:
        expected = 'An object, such as {"objectType": "StatementRef", "id": "<UUID>"}'
        wrong_kind(problems, path, value, "a StatementRef", expected)
        return
    if not _REFERENCE.issuperset(value):
        unknown_keys(problems, path, value, _REFERENCE, "a StatementRef")
    if "objectType" not in value:
        missing(problems, path, "objectType", '"StatementRef"')
    elif value["objectType"] != "StatementRef":
        message = f'is {describe(value["objectType"])}, not "StatementRef"'
        tell(problems, child(path, "objectType"), message, '"StatementRef", with this spelling')
    if "id" not in value:
        missing(problems, path, "id", _UUID)
    elif not is_uuid(value["id"]):
        wrong_kind(problems, child(path, "id"), value["id"], "a UUID", _UUID)


def validate_activity(value: object, path: str, version: Version, problems: list[Problem]) -> None:
    """An Activity, the same in both versions (xAPI 1.0.3 Data 2.4.4.1)."""
    if type(value) is not dict:
        expected = 'An Activity, such as {"id": "https://example.com/lessons/7"}'
        wrong_kind(problems, path, value, "an Activity", expected)
        return
    if not _ACTIVITY.issuperset(value):
        unknown_keys(problems, path, value, _ACTIVITY, "an Activity", elsewhere=_definition_hints())
    if "objectType" in value and value["objectType"] != "Activity":
        kind = value["objectType"]
        tell(
            problems,
            child(path, "objectType"),
            f'is {describe(kind)}, not "Activity"',
            '"Activity"',
        )
    if "id" not in value:
        missing(problems, path, "id", _ACTIVITY_ID)
    elif not is_iri(value["id"]):
        wrong_kind(problems, child(path, "id"), value["id"], "an IRI", _ACTIVITY_ID)
    if "definition" in value:
        _check_definition(value["definition"], child(path, "definition"), problems)


def _definition_hints() -> dict[str, str]:
    return {key: f'"{key}" within the "definition" of the Activity' for key in _DEFINITION}


def _check_definition(value: object, path: str, problems: list[Problem]) -> None:
    if type(value) is not dict:
        expected = 'An object, such as {"name": {"en-US": "Lesson 7"}}'
        wrong_kind(problems, path, value, "an Activity definition", expected)
        return
    if "name" in value and not is_language_map(value["name"]):
        validate_language_map(value["name"], f"{path}.name", problems)
    if "description" in value and not is_language_map(value["description"]):
        validate_language_map(value["description"], f"{path}.description", problems)
    if "type" in value and not is_iri(value["type"]):
        expected = 'An IRI, such as "http://adlnet.gov/expapi/activities/lesson"'
        wrong_kind(problems, child(path, "type"), value["type"], "an IRI", expected)
    if "moreInfo" in value and not is_irl(value["moreInfo"]):
        expected = 'An IRL with its scheme, such as "https://example.com/about"'
        wrong_kind(problems, child(path, "moreInfo"), value["moreInfo"], "an IRL", expected)
    if "extensions" in value and not is_extensions(value["extensions"]):
        validate_extensions(value["extensions"], f"{path}.extensions", problems)
    if not _PLAIN_DEFINITION.issuperset(value):
        if not _DEFINITION.issuperset(value):
            unknown_keys(problems, path, value, _DEFINITION, "an Activity definition")
        if not _INTERACTION.isdisjoint(value):
            _check_interaction(value, path, problems)


def _check_interaction(value: dict[str, object], path: str, problems: list[Problem]) -> None:
    """What makes an Activity an interaction (xAPI 1.0.3 Data 2.4.4.1, Interaction Activities)."""
    supported: frozenset[str] = _LISTS
    kind = value.get("interactionType")
    if "interactionType" not in value:
        missing(problems, path, "interactionType", 'The kind of interaction, such as "choice"')
    elif isinstance(kind, str) and kind in COMPONENT_LISTS:
        supported = COMPONENT_LISTS[kind]
    else:
        where, expected = child(path, "interactionType"), near_value(kind, COMPONENT_LISTS)
        tell(problems, where, f"is {describe(kind)}, not a kind of interaction", expected)
    if "correctResponsesPattern" in value:
        _check_patterns(value["correctResponsesPattern"], f"{path}.correctResponsesPattern", problems)
    for key in ("choices", "scale", "source", "target", "steps"):
        if key not in value:
            continue
        if key not in supported:
            goes_with = [name for name, lists in COMPONENT_LISTS.items() if key in lists]
            message = f"does not go with the interactionType {kind}"
            tell(problems, child(path, key), message, f"Only with {' or '.join(goes_with)}")
        _check_components(value[key], f"{path}.{key}", problems)


def _check_patterns(value: object, path: str, problems: list[Problem]) -> None:
    expected = 'An array of strings, such as ["a[,]b"]'
    if type(value) is not list:
        wrong_kind(problems, path, value, "an array of strings", expected)
        return
    for index, pattern in enumerate(value):
        if type(pattern) is not str:
            if len(problems) >= MOST_PROBLEMS:
                return
            wrong_kind(problems, f"{path}[{index}]", pattern, "a string", expected)


def _check_components(value: object, path: str, problems: list[Problem]) -> None:
    if type(value) is not list:
        wrong_kind(problems, path, value, "an array of interaction components", _COMPONENTS)
        return
    seen: set[str] = set()
    for index, component in enumerate(value):
        if len(problems) >= MOST_PROBLEMS:
            return
        if type(component) is not dict:
            where = f"{path}[{index}]"
            wrong_kind(problems, where, component, "an interaction component", _COMPONENTS)
            continue
        if not _COMPONENT.issuperset(component):
            where = f"{path}[{index}]"
            unknown_keys(problems, where, component, _COMPONENT, "an interaction component")
        name = component.get("id")
        if "id" not in component:
            missing(problems, f"{path}[{index}]", "id", 'A string, such as "a"')
        elif type(name) is not str:
            wrong_kind(problems, f"{path}[{index}].id", name, "a string", 'A string, such as "a"')
        elif name in seen:
            expected = "An id that no other component of this list has"
            tell(problems, f"{path}[{index}].id", f"is {shown(name)} once more", expected)
        else:
            seen.add(name)
        if "description" in component and not is_language_map(component["description"]):
            validate_language_map(component["description"], f"{path}[{index}].description", problems)
