"""Statements at the door: from the bytes of a request to something that can be made durable, or to what is wrong."""

from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID, uuid4

import msgspec
import orjson

from app.errors import Problem, Unreadable
from app.lrs.validation import Version, is_uuid, validate_statement

MAX_PROBLEMS_TOLD = 200
"""Of a batch with thousands of bad statements the first problems are spelt out; `refused` still names every one."""

MAX_DEPTH = 250
"""How deep a statement may be nested. Only extensions can be deep at all, and no sender means more than a few levels;
what can be read but not written again could not be compared with its repeats."""

_LRS_SETS = ("id", "stored", "authority", "version")
_split = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Received:
    """A request's statements, valid: the body untouched, and the id of each in the order of the body."""

    body: bytes
    ids: tuple[UUID, ...]


class Refused(Unreadable):
    """At least one statement of the request is not valid, so none was taken. `refused`: their places, from 0."""

    code = "invalid_statement"
    title = "The body is not what xAPI calls a Statement"

    def __init__(self, message: str, problems: list[Problem], refused: tuple[int, ...] = ()):
        super().__init__(message, problems)
        self.refused = refused


def rules_for(xapi_version: str) -> Version:
    """Which edition of the standard decides: 1.0.3 for every 1.0.x, 2.0 for every 2.0.x."""
    return "2.0" if xapi_version.startswith("2.") else "1.0"


def parse_json(body: bytes) -> object:
    """The JSON value in a body. Refused tells the line and column where it stops being JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        where = f"at line {error.lineno}, column {error.colno}" if body.strip() else "because it is empty"
        raise Refused(
            f"The body is not JSON {where}.",
            [
                Problem(
                    "$",
                    f"is not JSON {where}: {error.msg}.",
                    "One statement as a JSON object, encoded as UTF-8.",
                )
            ],
        ) from error


def receive_one(body: bytes, statement_id: str | None, xapi_version: str) -> Received:
    """Read the body of a PUT. Refused names every problem by path.

    xAPI 1.0.3 Communication 2.1.1: the statementId parameter is the statement's id; an id in the body must equal it.
    """
    if statement_id is None:
        raise Refused(
            "The request does not say which statement this is.",
            [
                Problem(
                    "?statementId",
                    "is missing.",
                    "?statementId=<UUID>, the id of the statement in the body.",
                )
            ],
        )
    if not is_uuid(statement_id):
        raise Refused(
            "The statementId is not a UUID.",
            [
                Problem(
                    "?statementId",
                    f"is {statement_id[:80]!r}.",
                    "A UUID such as 2557db94-bd34-46d7-9684-d928c824963a.",
                )
            ],
        )
    wanted = UUID(statement_id)
    statement = parse_json(body)
    problems = _problems_of(statement, rules_for(xapi_version), body)
    if not problems and isinstance(statement, dict) and "id" in statement and UUID(statement["id"]) != wanted:
        problems = [
            Problem(
                "id",
                f"is {statement['id']}, not the statementId of the request.",
                f"{wanted}, or no id.",
            )
        ]
    if problems:
        raise Refused(_summary(problems, 1), problems[:MAX_PROBLEMS_TOLD], (0,))
    return Received(body, (wanted,))


def receive_many(body: bytes, xapi_version: str, max_statements: int) -> Received:
    """Read the body of a POST: one statement, or an array that is accepted or refused whole. Missing ids are made.

    xAPI 1.0.3 Communication 2.1.2 and Data 2.4.1; two statements of one batch may not share an id.
    """
    parsed = parse_json(body)
    version = rules_for(xapi_version)
    if not isinstance(parsed, list):
        problems = _problems_of(parsed, version, body)
        if problems:
            raise Refused(_summary(problems, 1), problems[:MAX_PROBLEMS_TOLD], (0,))
        assert isinstance(parsed, dict)  # noqa: S101  (a statement without problems is an object)
        return Received(body, (_id_of(parsed),))
    if len(parsed) > max_statements:
        raise Refused(
            f"The array holds {len(parsed)} statements; at most {max_statements} are taken at once.",
            [
                Problem(
                    "$",
                    f"is an array of {len(parsed)} statements.",
                    f"At most {max_statements} in one request.",
                )
            ],
        )
    return Received(body, _ids_of_batch(parsed, version, body))


def _problems_of(statement: object, version: Version, body: bytes, path: str = "") -> list[Problem]:
    """What is wrong with one statement. body: the text it came in, which tells at once that most cannot be too deep."""
    if problems := validate_statement(statement, version, path):
        return problems
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH and _depth_exceeds(statement, MAX_DEPTH):
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


def _ids_of_batch(statements: list[object], version: Version, body: bytes) -> tuple[UUID, ...]:
    ids: dict[UUID, int] = {}
    problems: list[Problem] = []
    refused: list[int] = []
    for place, statement in enumerate(statements):
        found = _problems_of(statement, version, body, f"[{place}]")
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


def split(body: bytes) -> list[bytes]:
    """The text of each statement of a body, exactly as it was sent: numbers, escapes and blanks untouched.

    Unreadable when the body is neither an object nor an array of values.
    """
    text = body.strip()
    try:
        if text.startswith(b"["):
            return [bytes(part) for part in _split(text)]
        parse_json(text)
    except msgspec.DecodeError as error:
        raise Unreadable(f"The body is not JSON: {error}.", [Problem("$", "is not JSON.", "JSON.")]) from error
    return [text]


def comparison_hash(statement: dict[str, object]) -> bytes:
    """What two statements of the same id must share to be the same statement: 16 bytes over their content.

    xAPI 1.0.3 Data 2.3.1: properties that the LRS assigns are left out of the comparison; so is the order of keys.
    """
    content = {key: value for key, value in statement.items() if key not in _LRS_SETS}
    return blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=16).digest()
