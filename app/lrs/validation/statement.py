"""The whole statement, and the SubStatement within it (xAPI 1.0.3 Data 2.4; IEEE 9274.1.1 4.2)."""

from app.errors import Problem
from app.lrs.validation.activities import (
    validate_activity,
    validate_language_map,
    validate_statement_ref,
)
from app.lrs.validation.agents import (
    validate_actor,
    validate_agent,
    validate_authority,
    validate_group,
)
from app.lrs.validation.attachments import validate_attachments
from app.lrs.validation.context import validate_context
from app.lrs.validation.primitives import (
    Version,
    is_iri,
    is_language_map,
    is_statement_version,
    is_uuid,
)
from app.lrs.validation.report import (
    child,
    describe,
    missing,
    near_value,
    tell,
    unknown_keys,
    wrong_kind,
)
from app.lrs.validation.result import validate_result
from app.lrs.validation.times import is_timestamp

VOIDED = "http://adlnet.gov/expapi/verbs/voided"
OBJECT_TYPES = ("Activity", "Agent", "Group", "StatementRef", "SubStatement")

_SHARED = frozenset({"actor", "verb", "object", "result", "context", "timestamp", "attachments"})
_STATEMENT = _SHARED | {"id", "stored", "authority", "version"}
_SUB_STATEMENT = _SHARED | {"objectType"}
_NOT_IN_SUB = dict.fromkeys(
    ("id", "stored", "authority", "version"), "No such property, as a SubStatement has not happened"
)
_ELSEWHERE = {
    "score": '"score" within "result"',
    "success": '"success" within "result"',
    "completion": '"completion" within "result"',
    "response": '"response" within "result"',
    "duration": '"duration" within "result"',
    "registration": '"registration" within "context"',
    "contextActivities": '"contextActivities" within "context"',
    "extensions": '"extensions" within "context", "result" or the definition of an Activity',
}
_VERB = frozenset({"id", "display"})

_AN_ACTOR = 'An Agent or a Group, such as {"mbox": "mailto:ann@example.com"}'
_A_VERB = 'An object, such as {"id": "http://adlnet.gov/expapi/verbs/answered"}'
_AN_OBJECT = 'An Activity, such as {"id": "https://example.com/lessons/7"}'
_VERB_ID = 'An IRI with its scheme, such as "http://adlnet.gov/expapi/verbs/answered"'


def validate_statement(statement: object, version: Version, path: str = "") -> list[Problem]:
    """Everything that is wrong with a statement under `version`, at most fifty things; nothing if
    it is valid.

    path: where the statement stands in what was sent, such as `[3]`. The statement is parsed JSON
    and is not changed.
    """
    problems: list[Problem] = []
    if type(statement) is not dict:
        expected = "An object with actor, verb and object"
        wrong_kind(problems, path, statement, "a Statement", expected)
        return problems
    if not _STATEMENT.issuperset(statement):
        unknown_keys(problems, path, statement, _STATEMENT, "a Statement", elsewhere=_ELSEWHERE)
    if "id" in statement and not is_uuid(statement["id"]):
        expected = 'A UUID, such as "fd41c918-b88b-4b20-a0a5-a4c32391aaa0"'
        wrong_kind(problems, child(path, "id"), statement["id"], "a UUID", expected)
    _check_shared(statement, path, version, problems, within=False)
    if "stored" in statement and not is_timestamp(statement["stored"], version):
        _tell_time(statement["stored"], child(path, "stored"), version, problems)
    if "authority" in statement:
        validate_authority(statement["authority"], child(path, "authority"), version, problems)
    if "version" in statement and not is_statement_version(statement["version"], version):
        expected = '"1.0.0" or "2.0.0"' if version == "2.0" else '"1.0.0", or nothing at all'
        wanted = f"a version of xAPI {version}"
        wrong_kind(problems, child(path, "version"), statement["version"], wanted, expected)
    return problems


def _check_shared(value: dict[str, object], path: str, version: Version, problems: list[Problem], within: bool) -> None:
    """What a statement and a SubStatement (`within`) share (xAPI 1.0.3 Data 2.4, 2.4.4.3)."""
    prefix = f"{path}." if path else ""
    if "actor" in value:
        validate_actor(value["actor"], f"{prefix}actor", version, problems)
    else:
        missing(problems, path, "actor", _AN_ACTOR)
    if "verb" in value:
        _check_verb(value["verb"], f"{prefix}verb", problems)
    else:
        missing(problems, path, "verb", _A_VERB)
    about_activity = True
    if "object" in value:
        about_activity = _check_object(value, f"{prefix}object", version, problems, within)
    else:
        missing(problems, path, "object", _AN_OBJECT)
    if "result" in value:
        validate_result(value["result"], f"{prefix}result", problems)
    if "context" in value:
        validate_context(value["context"], f"{prefix}context", version, problems, about_activity)
    if "timestamp" in value and not is_timestamp(value["timestamp"], version):
        _tell_time(value["timestamp"], f"{prefix}timestamp", version, problems)
    if "attachments" in value:
        validate_attachments(value["attachments"], f"{prefix}attachments", problems)


def _check_verb(value: object, path: str, problems: list[Problem]) -> None:
    """xAPI 1.0.3 Data 2.4.3."""
    if type(value) is not dict:
        wrong_kind(problems, path, value, "a Verb", _A_VERB)
        return
    if not _VERB.issuperset(value):
        unknown_keys(problems, path, value, _VERB, "a Verb")
    if "id" not in value:
        missing(problems, path, "id", _VERB_ID)
    elif not is_iri(value["id"]):
        wrong_kind(problems, child(path, "id"), value["id"], "an IRI", _VERB_ID)
    if "display" in value and not is_language_map(value["display"]):
        validate_language_map(value["display"], f"{path}.display", problems)


def _check_object(
    statement: dict[str, object],
    path: str,
    version: Version,
    problems: list[Problem],
    within: bool,
) -> bool:
    """Check the object and say whether it is, or was meant to be, an Activity (xAPI 1.0.3 Data
    2.4.4).
    """
    value = statement["object"]
    if type(value) is not dict:
        wrong_kind(problems, path, value, "an Activity or another object", _AN_OBJECT)
        return True
    kind = value.get("objectType", "Activity")
    verb = statement.get("verb")
    if type(verb) is dict and verb.get("id") == VOIDED and kind != "StatementRef":
        # xAPI 1.0.3 Data 2.3.2: what is voided is a statement, and it is named by a reference.
        message = "is not a StatementRef, although the verb is voided"
        expected = 'The statement to void, as {"objectType": "StatementRef", "id": "<UUID>"}'
        tell(problems, path, message, expected)
    if kind == "Activity":
        validate_activity(value, path, version, problems)
    elif kind == "Agent":
        validate_agent(value, path, version, problems)
    elif kind == "Group":
        validate_group(value, path, version, problems)
    elif kind == "StatementRef":
        validate_statement_ref(value, path, problems)
    elif kind == "SubStatement":
        _check_sub_statement(value, path, version, problems, within)
    else:
        where = child(path, "objectType")
        expected = near_value(kind, OBJECT_TYPES)
        tell(problems, where, f"is {describe(kind)}, not a kind of object", expected)
        return True
    return bool(kind == "Activity")


def _check_sub_statement(
    value: dict[str, object], path: str, version: Version, problems: list[Problem], within: bool
) -> None:
    """xAPI 1.0.3 Data 2.4.4.3: a statement without id, stored, version and authority, and not
    nested.
    """
    if within:
        expected = "An Activity, an Agent, a Group or a StatementRef"
        tell(problems, path, "is a SubStatement within a SubStatement", expected)
        return
    if not _SUB_STATEMENT.issuperset(value):
        unknown_keys(problems, path, value, _SUB_STATEMENT, "a SubStatement", elsewhere=_NOT_IN_SUB)
    _check_shared(value, path, version, problems, within=True)


def _tell_time(value: object, path: str, version: Version, problems: list[Problem]) -> None:
    form = "RFC 3339" if version == "2.0" else "ISO 8601"
    expected = 'A date and time with its offset, such as "2024-05-18T05:32:34.804Z"'
    wrong_kind(problems, path, value, f"a time as in {form}", expected)
