"""A Statement as JSON Schema, for the description of the doors (xAPI 1.0.3 Data 2.4).

It tells readers what to send; lrs.validation decides, and is stricter where a schema would only be long.
"""

from typing import Any

Schema = dict[str, Any]

IRI = {
    "type": "string",
    "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20<>\"{}|\\^`\x7f-\x9f]+$",
    "example": "https://example.org/1",
}
UUID = {"type": "string", "format": "uuid"}
MOMENT = {"type": "string", "format": "date-time"}
_TEXT = {"type": "string"}
_FLAG = {"type": "boolean"}
_NUMBER = {"type": "number"}
_EXTENSIONS = {"type": "object", "propertyNames": {"pattern": IRI["pattern"]}, "additionalProperties": True}
_IDENTIFIERS = ("mbox", "mbox_sha1sum", "openid", "account")


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Schema, *required: str, **more: Any) -> Schema:
    told = {"required": list(required)} if required else {}
    return {"type": "object", "properties": properties, "additionalProperties": False, **told, **more}


def _list(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def _one_of_them(*required: str) -> list[Schema]:
    return [{"required": [name, *required]} for name in _IDENTIFIERS]


_ACTOR = {
    "name": _TEXT,
    "mbox": {"type": "string", "pattern": r"^mailto:[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$"},
    "mbox_sha1sum": {"type": "string", "pattern": "^[0-9a-f]{40}$"},
    "openid": IRI,
    "account": _object({"homePage": IRI, "name": _TEXT}, "homePage", "name"),
}
_ANY_ACTOR = {"oneOf": [_ref("Agent"), _ref("Group")]}
_ACTIVITIES = {"oneOf": [_ref("Activity"), _list(_ref("Activity"))]}
_COMPONENTS = _list(_object({"id": _TEXT, "description": _ref("LanguageMap")}, "id"))
_SHARED = {
    "actor": _ANY_ACTOR,
    "verb": _object({"id": IRI, "display": _ref("LanguageMap")}, "id"),
    "result": _ref("Result"),
    "context": _ref("Context"),
    "timestamp": MOMENT,
    "attachments": _list(_ref("Attachment")),
}
_AGENT_AS_OBJECT = {"allOf": [_ref("Agent"), {"required": ["objectType"]}]}
_OBJECTS = [_ref("Activity"), _AGENT_AS_OBJECT, _ref("Group"), _ref("StatementRef")]
_USER_AND_APPLICATION = _object(
    {"objectType": {"enum": ["Group"]}, "member": _list(_ref("Agent"), minItems=2, maxItems=2)}, "objectType", "member"
)


def _companions(kind: str, name: str, actor: str) -> Schema:
    found = {"objectType": {"enum": [kind]}, name: _ref(actor), "relevantTypes": _list(IRI, minItems=1)}
    return {"description": "xAPI 2.0 only", **_list(_object(found, "objectType", name))}


SCHEMAS: dict[str, Schema] = {
    "LanguageMap": {
        "type": "object",
        "propertyNames": {"pattern": "^[a-z]{2,3}(-[A-Z]{2})?$"},
        "additionalProperties": _TEXT,
        "example": {"en-US": "completed"},
    },
    "Agent": _object({"objectType": {"enum": ["Agent"]}, **_ACTOR}, oneOf=_one_of_them()),
    "Group": _object(
        {"objectType": {"enum": ["Group"]}, **_ACTOR, "member": _list(_ref("Agent"), minItems=1)},
        "objectType",
        oneOf=[*_one_of_them(), {"required": ["member"], "not": {"anyOf": _one_of_them()}}],
    ),
    "Activity": _object(
        {
            "objectType": {"enum": ["Activity"]},
            "id": IRI,
            "definition": _object(
                {
                    "name": _ref("LanguageMap"),
                    "description": _ref("LanguageMap"),
                    "type": IRI,
                    "moreInfo": IRI,
                    "interactionType": {
                        "enum": [
                            *("true-false", "choice", "fill-in", "long-fill-in", "matching", "performance"),
                            *("sequencing", "likert", "numeric", "other"),
                        ]
                    },
                    "correctResponsesPattern": _list(_TEXT),
                    **dict.fromkeys(("choices", "scale", "source", "target", "steps"), _COMPONENTS),
                    "extensions": _EXTENSIONS,
                }
            ),
        },
        "id",
    ),
    "StatementRef": _object({"objectType": {"enum": ["StatementRef"]}, "id": UUID}, "objectType", "id"),
    "SubStatement": _object(
        {"objectType": {"enum": ["SubStatement"]}, **_SHARED, "object": {"oneOf": _OBJECTS}},
        *("objectType", "actor", "verb", "object"),
    ),
    "Result": _object(
        {
            "score": _object(
                {"scaled": {**_NUMBER, "minimum": -1, "maximum": 1}} | dict.fromkeys(("raw", "min", "max"), _NUMBER)
            ),
            "success": _FLAG,
            "completion": _FLAG,
            "response": _TEXT,
            "duration": {"type": "string", "pattern": r"^PT[0-9]{1,9}(\.[0-9]{1,3})?S$", "example": "PT90.5S"},
            "extensions": _EXTENSIONS,
        }
    ),
    "Context": _object(
        {
            "registration": UUID,
            "instructor": _ANY_ACTOR,
            "team": _ref("Group"),
            "contextActivities": _object(dict.fromkeys(("parent", "grouping", "category", "other"), _ACTIVITIES)),
            "revision": _TEXT,
            "platform": _TEXT,
            "language": {"type": "string", "pattern": "^[a-z]{2,3}(-[A-Z]{2})?$"},
            "statement": _ref("StatementRef"),
            "extensions": _EXTENSIONS,
            "contextAgents": _companions("contextAgent", "agent", "Agent"),
            "contextGroups": _companions("contextGroup", "group", "Group"),
        }
    ),
    "Attachment": _object(
        {
            "usageType": IRI,
            "display": _ref("LanguageMap"),
            "description": _ref("LanguageMap"),
            "contentType": {"type": "string", "pattern": "^[a-z]+/[a-z0-9.+-]+$"},
            "length": {"type": "integer", "minimum": 0},
            "sha2": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "fileUrl": IRI,
        },
        *("usageType", "display", "contentType", "length", "sha2"),
    ),
    "Statement": _object(
        {
            "id": UUID,
            **_SHARED,
            "object": {"oneOf": [*_OBJECTS, _ref("SubStatement")]},
            "stored": MOMENT,
            "authority": {"oneOf": [_ref("Agent"), _USER_AND_APPLICATION]},
            "version": {"type": "string", "pattern": r"^[12]\.0(\.[0-9])?$"},
        },
        *("actor", "verb", "object"),
    ),
}
