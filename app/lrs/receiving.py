"""Statements at the door: from the bytes of a request to something that can be made durable, or to what is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec
from uuid import UUID, uuid4

from app.errors import Problem
from app.lrs.attachments import check_attachments
from app.lrs.signatures import check_signature
from app.lrs.statements import MAX_DEPTH, MAX_PROBLEMS_TOLD, Refused, parse_statements, rules_for
from app.lrs.validation import Version, is_uuid, validate_statement


@dataclass(frozen=True, slots=True)
class Received:
    """A request's statements, valid: the body untouched, and the id of each in the order of the body.

    held: the ids that the sender chose. attachments: what came along, by SHA-2.
    """

    body: bytes
    ids: tuple[UUID, ...]
    held: tuple[UUID, ...]
    attachments: dict[str, bytes]


_Given = ParamSpec("_Given")


def _light(receive: Callable[_Given, Received]) -> Callable[_Given, Received]:
    """An error remembers the frames it passed, and they what was parsed, thirty times the size of the worst body.

    A refusal is on its way for as long as its body takes to be kept, beside many others, so it lets go of all that.
    """

    @wraps(receive)
    def receiving(*args: _Given.args, **kwargs: _Given.kwargs) -> Received:
        try:
            return receive(*args, **kwargs)
        except Refused as error:
            raise error.with_traceback(None) from None

    return receiving


@_light
def receive_one(
    body: bytes, statement_id: str | None, xapi_version: str, parts: Mapping[str, bytes] | None = None
) -> Received:
    """Read the body of a PUT. Refused names every problem by path.

    xAPI 1.0.3 Communication 2.1.1: the statementId parameter is the statement's id; an id in the body must equal it.
    parts: what came along in multipart/mixed, by SHA-2; None when the body came alone.
    """
    if statement_id is None:
        expected = "?statementId=<UUID>, the id of the statement in the body."
        raise Refused(
            "The request does not say which statement this is.", [Problem("?statementId", "is missing.", expected)]
        )
    if not is_uuid(statement_id):
        expected = "A UUID such as 2557db94-bd34-46d7-9684-d928c824963a."
        raise Refused(
            "The statementId is not a UUID.", [Problem("?statementId", f"is {statement_id[:80]!r}.", expected)]
        )
    wanted = UUID(statement_id)
    statement, deep = parse_statements(body)
    problems = _problems_of(statement, rules_for(xapi_version), deep=deep)
    if not problems and isinstance(statement, dict):
        if "id" in statement and UUID(statement["id"]) != wanted:
            told = f"is {statement['id']}, not the statementId of the request."
            problems = [Problem("id", told, f"{wanted}, or no id.")]
        problems += _problems_of_parts([statement], parts, batch=False)
    if problems:
        raise Refused(_summary(problems, 1), problems[:MAX_PROBLEMS_TOLD], (0,))
    assert isinstance(statement, dict)  # noqa: S101  (a statement without problems is an object)
    return Received(body, (wanted,), (wanted,), dict(parts or {}))


@_light
def receive_many(
    body: bytes, xapi_version: str, max_statements: int, parts: Mapping[str, bytes] | None = None
) -> Received:
    """Read the body of a POST: one statement, or an array that is accepted or refused whole. Missing ids are made.

    xAPI 1.0.3 Communication 2.1.2 and Data 2.4.1; two statements of one batch may not share an id. parts: as above.
    """
    parsed, deep = parse_statements(body)
    version = rules_for(xapi_version)
    is_batch = isinstance(parsed, list)
    statements: list[Any] = parsed if is_batch and isinstance(parsed, list) else [parsed]
    if len(statements) > max_statements:
        told = f"is an array of {len(statements)} statements."
        raise Refused(
            f"The array holds {len(statements)} statements; at most {max_statements} are taken at once.",
            [Problem("$", told, f"At most {max_statements} in one request.")],
        )
    ids = _ids_of(statements, version, is_batch, deep)
    if problems := _problems_of_parts(statements, parts, batch=is_batch):
        raise Refused(_summary(problems, 1), problems[:MAX_PROBLEMS_TOLD])
    held = tuple(i for i, s in zip(ids, statements, strict=True) if "id" in s)
    return Received(body, ids, held, dict(parts or {}))


def _problems_of_parts(
    statements: list[dict[str, Any]], parts: Mapping[str, bytes] | None, *, batch: bool
) -> list[Problem]:
    """What is wrong with attachments and signatures of valid statements; nothing is looked at when there are none."""
    if parts is None and not any("attachments" in s or _is_sub(s) for s in statements):
        return []
    found = check_attachments(statements, parts or {}, multipart=parts is not None, batch=batch)
    if not found:
        for place, statement in enumerate(statements):
            found += check_signature(statement, parts or {}, f"[{place}]" if batch else "")
    return found


def _is_sub(statement: Mapping[str, Any]) -> bool:
    return bool(statement["object"].get("objectType") == "SubStatement")


def _problems_of(statement: object, version: Version, path: str = "", *, deep: bool) -> list[Problem]:
    """What is wrong with one statement. deep: one of those that came along is too deep, so look."""
    if problems := validate_statement(statement, version, path):
        return problems
    if deep and _depth_exceeds(statement, MAX_DEPTH):
        return [Problem(path or "$", f"is nested more than {MAX_DEPTH} levels deep.", f"At most {MAX_DEPTH} levels.")]
    return []


def _depth_exceeds(value: object, limit: int) -> bool:
    """Whether a parsed JSON value is nested deeper than that; level by level, so that no depth can hurt."""
    level = [value]
    while level and limit >= 0:
        nested = (item for item in level if isinstance(item, dict | list))
        level = [child for item in nested for child in (item.values() if isinstance(item, dict) else item)]
        limit -= 1
    return bool(level)


def _ids_of(statements: list[Any], version: Version, is_batch: bool, deep: bool) -> tuple[UUID, ...]:
    ids: dict[UUID, int] = {}
    problems: list[Problem] = []
    refused: list[int] = []
    for place, statement in enumerate(statements):
        found = _problems_of(statement, version, f"[{place}]" if is_batch else "", deep=deep)
        if not found and isinstance(statement, dict):
            statement_id = _id_of(statement)
            first = ids.setdefault(statement_id, place)
            if first != place:
                found = [Problem(f"[{place}].id", f"is also the id of [{first}].", "Another id, or none.")]
        if found:
            refused.append(place)
            problems.extend(found[: MAX_PROBLEMS_TOLD - len(problems)])
    if refused:
        raise Refused(_summary(problems, len(refused)), problems, tuple(refused))
    return tuple(ids)


def _id_of(statement: dict[str, object]) -> UUID:
    given = statement.get("id")
    return UUID(given) if isinstance(given, str) else uuid4()


def _summary(problems: list[Problem], refused: int) -> str:
    first = f"{problems[0].path} {problems[0].message.rstrip('.')}."
    if refused > 1:
        return f"{refused} statements are not valid. The first problem: {first}"
    return f"{first} And {len(problems) - 1} more." if len(problems) > 1 else first
