"""The text of statements: from bytes to JSON values and back to the very text of each; how a refusal is said."""

import msgspec
import orjson

from app.errors import Problem, Unreadable
from app.lrs.validation import Version

MAX_PROBLEMS_TOLD = 200
"""Of a batch with thousands of bad statements the first problems are spelt out; `refused` still names every one."""

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode


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
