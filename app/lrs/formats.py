"""The three formats in which a statement leaves: exact, ids and canonical (xAPI 1.0.3 Communication 2.1.3). Pure.

No function changes the statement that it is given; what comes back may share parts with it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from app.lrs.canonical import COMPONENT_LISTS, activities_in, verbs_in
from app.lrs.languages import best_tag
from app.platform.clock import iso

_Object = dict[str, Any]
_Raw = msgspec.Raw


class _Target(msgspec.Struct):
    """As much of an object as tells what it is."""

    objectType: str = "Activity"


_parts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_kind_of = msgspec.json.Decoder(_Target).decode
_join = msgspec.json.Encoder().encode
_VERSION_1, _VERSION_2 = _Raw(b'"1.0.0"'), _Raw(b'"2.0.0"')
_BRACE = ord("{")
_IDENTIFIERS = ("objectType", "mbox", "mbox_sha1sum", "openid", "account")


def exact(payload: bytes, *, statement_id: UUID, stored_at: datetime, authority: bytes, version: str) -> bytes:
    """The JSON text of a statement as it was received, with what the LRS has to set; format=exact.

    payload: one valid statement as sent. statement_id: set when the sender gave none. stored_at: aware; it becomes
    `stored`, and `timestamp` when the sender gave none (xAPI 1.0.3 Data 2.4.7, 2.4.8). authority: the JSON text of the
    Agent that vouches for it, in place of any that was sent (Data 2.4.9). version: that of the request it came in,
    1.0.x or 2.0.x; a statement that says its version keeps it (Data 2.4.10). A context activity that came without its
    array is put into one (Data 2.4.6.2). No value that was sent changes by one byte otherwise.
    msgspec.DecodeError when the payload is not a JSON object.
    """
    parts = _parts(payload)
    stored = _moment(stored_at)
    if "id" not in parts:
        parts["id"] = _Raw(f'"{statement_id}"'.encode())
    if "timestamp" not in parts:
        parts["timestamp"] = stored
    if "version" not in parts:
        parts["version"] = _VERSION_2 if version.startswith("2.") else _VERSION_1
    parts["stored"] = stored
    parts["authority"] = _Raw(authority)
    _put_into_arrays(parts)
    return _join(parts)


@lru_cache(maxsize=4_096)
def _moment(stored_at: datetime) -> msgspec.Raw:
    """RFC 3339 in UTC as JSON text. Remembered, since the statements of a batch share theirs."""
    return _Raw(f'"{iso(stored_at)}"'.encode())


def _put_into_arrays(parts: dict[str, msgspec.Raw]) -> bool:
    """Whether a context activity had to be put into an array, here or in a SubStatement; then `parts` is changed.

    xAPI 1.0.3 Data 2.4.6.2: every value in contextActivities is returned as an array.
    """
    changed = False
    if "object" in parts and _kind_of(parts["object"]).objectType == "SubStatement":
        inner = _parts(parts["object"])
        if _put_into_arrays(inner):
            parts["object"] = _Raw(_join(inner))
            changed = True
    if "context" in parts:
        context = _parts(parts["context"])
        if "contextActivities" in context:
            kinds = _parts(context["contextActivities"])
            single = [kind for kind, text in kinds.items() if memoryview(text)[0] == _BRACE]
            if single:
                kinds.update((kind, _Raw(b"[" + bytes(kinds[kind]) + b"]")) for kind in single)
                context["contextActivities"] = _Raw(_join(kinds))
                parts["context"] = _Raw(_join(context))
                changed = True
    return changed


def ids_only(statement: Mapping[str, Any]) -> _Object:
    """A valid statement with no more of its Agents, Groups, Activities and Verbs than tells which they are; format=ids.

    xAPI 1.0.3 Communication 2.1.3: of a Group with an identifier that is the identifier, of an anonymous one the
    members, each with its own. The same within authority, context and SubStatement, and in 2.0's contextAgents and
    contextGroups. Everything else stays.
    """
    return _rebuilt(statement, _agent_ids, _id_alone, _id_alone, lambda attachment: attachment)


def canonical(
    statement: Mapping[str, Any],
    definitions: Mapping[str, Mapping[str, Any]],
    displays: Mapping[str, Mapping[str, str]],
    accept_language: str | None,
) -> _Object:
    """A valid statement with the definitions and displays that the record holds, in one language; format=canonical.

    definitions by activity id and displays by verb id (`activity_ids` and `verb_ids` tell which are needed); what is
    not among them stays as it was sent. Of each language map the entry remains that suits the Accept-Language header
    best. Agents and Groups stay as sent (xAPI 1.0.3 Communication 2.1.3, Language Filtering Requirements).
    """

    def one_language(value: Mapping[str, Any], *keys: str) -> _Object:
        result = dict(value)
        for key in keys:
            if texts := result.get(key):
                tag = best_tag(texts, accept_language)
                result[key] = {tag: texts[tag]}
        return result

    def activity(value: Mapping[str, Any]) -> _Object:
        given = definitions.get(value["id"]) or value.get("definition")
        if not given:
            return dict(value)
        definition = one_language(given, "name", "description")
        for key in COMPONENT_LISTS:
            if key in definition:
                definition[key] = [one_language(component, "description") for component in definition[key]]
        return {**value, "definition": definition}

    def verb(value: Mapping[str, Any]) -> _Object:
        display = displays.get(value["id"])
        return one_language({**value, "display": display} if display else value, "display")

    return _rebuilt(
        statement, dict, activity, verb, lambda attachment: one_language(attachment, "display", "description")
    )


def activity_ids(statement: Mapping[str, Any]) -> set[str]:
    """The ids of all activities of a statement, whose definitions `canonical` needs (xAPI 1.0.3 Data 2.4.4.1)."""
    return {activity["id"] for activity in activities_in(statement)}


def verb_ids(statement: Mapping[str, Any]) -> set[str]:
    """The ids of the verbs of a statement, whose displays `canonical` needs (xAPI 1.0.3 Data 2.4.3)."""
    return {verb["id"] for verb in verbs_in(statement)}


_Change = Callable[[Mapping[str, Any]], _Object]


def _rebuilt(
    statement: Mapping[str, Any],
    agent: _Change,
    activity: _Change,
    verb: _Change,
    attachment: Callable[[_Object], _Object],
) -> _Object:
    """A copy of a statement in which each Agent or Group, Activity, Verb and attachment has been through its change."""
    result = dict(statement)
    result["actor"] = agent(statement["actor"])
    result["verb"] = verb(statement["verb"])
    target = statement["object"]
    kind = target.get("objectType", "Activity")
    if kind == "SubStatement":
        result["object"] = _rebuilt(target, agent, activity, verb, attachment)
    elif kind == "Activity":
        result["object"] = activity(target)
    elif kind in ("Agent", "Group"):
        result["object"] = agent(target)
    if "authority" in statement:
        result["authority"] = agent(statement["authority"])
    if "context" in statement:
        result["context"] = _rebuilt_context(statement["context"], agent, activity)
    if "attachments" in statement:
        result["attachments"] = [attachment(each) for each in statement["attachments"]]
    return result


def _rebuilt_context(context: Mapping[str, Any], agent: _Change, activity: _Change) -> _Object:
    result = dict(context)
    for key in ("instructor", "team"):
        if key in context:
            result[key] = agent(context[key])
    if "contextActivities" in context:
        result["contextActivities"] = {
            kind: [activity(each) for each in ([given] if isinstance(given, dict) else given)]
            for kind, given in context["contextActivities"].items()
        }
    for key, inner in (("contextAgents", "agent"), ("contextGroups", "group")):
        if key in context:
            result[key] = [{**each, inner: agent(each[inner])} for each in context[key]]
    return result


def _id_alone(value: Mapping[str, Any]) -> _Object:
    return {"id": value["id"]}


def _agent_ids(agent: Mapping[str, Any]) -> _Object:
    result = {key: agent[key] for key in _IDENTIFIERS if key in agent}
    if "member" in agent and (not result or result.keys() == {"objectType"}):
        result["member"] = [_agent_ids(member) for member in agent["member"]]
    return result
