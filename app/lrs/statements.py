"""The text of statements: from bytes to JSON values and back to the very text of each; how a refusal is said."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

import msgspec
import orjson

from app.errors import Problem, Unreadable
from app.lrs.validation import Version
from app.lrs.validation.report import keyed

MAX_PROBLEMS_TOLD = 200
"""Of a batch with thousands of bad statements the first problems are spelt out; `refused` still names every one."""

MAX_DEPTH = 253
"""How deep a statement may be nested, which is as deep as an array of statements can be written. Only extensions can be
deep at all, and no sender means more than a few levels; what cannot be written could not be compared with repeats."""

MAX_VALUES, MIN_BYTES_PER_VALUE = 1_000_000, 10
"""How many values a body may hold (objects, arrays, and what stands in them): a million, or one in ten bytes if that is
more. Statements have one in twenty; a body such as `[[],[],…` would take up forty times its size in memory."""

_MAX_STEPS_SHOWN = 40

_split = msgspec.json.Decoder(list[msgspec.Raw]).decode
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# Possessive, because a string of escapes may be as long as a body and must not be remembered step by step.
_TOKEN = re.compile(rb"(" + _STRING + rb")[ \t\n\r]*+:|" + _STRING + rb'|[{}\[\],"]', re.DOTALL)
_QUOTE, _COMMA, _BRACE, _BRACKET = b'",{['
_BEFORE_A_VALUE = frozenset({_COMMA, _BRACE, _BRACKET})
_Place = list[bytes | int]

# What the decoder says of JSON that is well formed and still cannot be kept; all else it says is about the form.
_CANNOT_BE_KEPT = {
    "infinity": ("is a number that 64-bit floating point cannot hold.", "A number up to about 1.8e308, or a string."),
    "surrogate": ("holds half of a surrogate pair, which is no character.", "Both halves, as in \\ud83d\\ude00."),
    "depth limit": (f"is nested more than {MAX_DEPTH} levels deep.", f"At most {MAX_DEPTH} levels."),
}


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
    """The JSON value in a body. Refused tells where it stops being JSON, or which keys an object has twice."""
    return parse_statements(body)[0]


def parse_statements(body: bytes) -> tuple[object, bool]:
    """The JSON value in a body, as `parse_json` reads it, and whether a statement in it is deeper than MAX_DEPTH."""
    if len(body) > MAX_VALUES and _holds_too_many(body, most := max(MAX_VALUES, len(body) // MIN_BYTES_PER_VALUE)):
        told, expected = f"holds more than {most} values.", f"At most {most} in a body of this size."
        raise Refused(f"The body {told}", [Problem("$", told, expected)])
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        refusal = _not_readable(body, error)
    else:
        written = _written(value)
        sure = written is not None and written.count(b":") == _colons(body)
        repeated = None if sure else _repeated_keys(body)
        if repeated is None:
            return value, written is None
        refusal = repeated
    # Raised out here: the decoder's error holds a copy of the body for as long as it is somebody's cause.
    raise refusal


def split(body: bytes) -> list[bytes]:
    """The text of each statement of a body, exactly as it was sent: numbers, escapes and blanks untouched.

    Unreadable when the body is neither an object nor an array of values.
    """
    text = body.strip()
    try:
        if text.startswith(b"["):
            return [bytes(part) for part in _split(text)]
        orjson.loads(text)
    except (msgspec.DecodeError, orjson.JSONDecodeError, RecursionError) as error:
        raise Unreadable(f"The body is not JSON: {error}.", [Problem("$", "is not JSON.", "JSON.")]) from error
    return [text]


def _holds_too_many(body: bytes, most: int) -> bool:
    """Whether a body has more values than that, before anything is made of them."""
    if sum(body.count(sign) for sign in _BEFORE_A_VALUE) <= most:
        return False
    signs = (1 for token in _TOKEN.finditer(body) if body[token.start()] in _BEFORE_A_VALUE)
    return next(islice(signs, most, None), None) is not None


def _not_readable(body: bytes, error: orjson.JSONDecodeError) -> Refused:
    """Why the decoder stopped. What is JSON and cannot be kept is told by property path, the rest by line."""
    where = f"at line {error.lineno}, column {error.colno}" if body.strip() else "because it is empty"
    why = error.msg
    try:
        body.decode()
    except UnicodeDecodeError as stray:
        where, why = f"at byte {stray.start}", f"0x{body[stray.start]:02x} is not UTF-8 there"
    else:
        for said, (message, expected) in _CANNOT_BE_KEPT.items():
            if said in why:
                path = _path(_place_of(body, error))
                return Refused(f"{path} {message}", [Problem(path, message, expected)])
    expected = "One statement as a JSON object, encoded as UTF-8."
    return Refused(f"The body is not JSON {where}.", [Problem("$", f"is not JSON {where}: {why}.", expected)])


def _place_of(body: bytes, error: orjson.JSONDecodeError) -> _Place:
    """Where the decoder stopped. Of what is too deep only the statement, for a path of all levels tells nobody."""
    place: _Place = []
    for _ in _walk(body[: len(error.doc[: error.pos].encode())], place):
        pass
    if "depth" in error.msg:
        return [step for step in place[:1] if isinstance(step, int)]
    return place


def _written(value: object) -> bytes | None:
    """The value written again, as an array of statements; None when one is nested too deep for that."""
    try:
        return orjson.dumps(value if isinstance(value, list) else [value])
    except orjson.JSONEncodeError:
        return None


def _colons(body: bytes) -> int:
    """How many colons the body has, those that are spelt as an escape among them.

    Of keys that stand twice a reader keeps one, so that what it writes has fewer: as many as it has keys, and those
    within its strings. As long as the numbers agree nothing was dropped, and nobody has to look.
    """
    colons = body.count(b":")
    if b"\\" in body and b"\\u003" in body:
        colons += body.count(b"\\u003a") + body.count(b"\\u003A")
    return colons


def _repeated_keys(body: bytes) -> Refused | None:
    """xAPI 1.0.3 Data 2.2: a Statement uses each property no more than one time. Takes a body that is JSON."""
    place: _Place = []
    paths: dict[str, None] = {}
    refused: set[int] = set()
    for _ in _walk(body, place):
        refused.add(place[0] if isinstance(place[0], int) else 0)
        if len(paths) < MAX_PROBLEMS_TOLD:
            paths[_path(place)] = None
    if not paths:
        return None
    problems = [
        Problem(path, "stands more than once in its object.", "Once; readers of JSON differ in which one they take.")
        for path in paths
    ]
    more = f" And {len(problems) - 1} more." if len(problems) > 1 else ""
    return Refused(f"{problems[0].path} {problems[0].message}{more}", problems, tuple(sorted(refused)))


def _walk(text: bytes, place: _Place) -> Iterator[None]:
    """Follow JSON text, or the beginning of one; `place` is kept at where it is. Stops at each key that came before.

    Holds no more than the keys of the objects that are open, however long or deep the text is.
    """
    keys: list[set[bytes] | None] = []
    for token in _TOKEN.finditer(text):
        mark = text[token.start()]
        if mark == _QUOTE:
            if (quoted := token[1]) is not None and (known := keys[-1]) is not None:
                key = orjson.loads(quoted).encode() if b"\\" in quoted else quoted[1:-1]
                place[-1] = key
                if key in known:
                    yield
                known.add(key)
            elif token.end() - token.start() == 1:  # The text ends within a string.
                return
        elif mark == _COMMA:
            if isinstance(index := place[-1], int):
                place[-1] = index + 1
        elif mark == _BRACE:
            place.append(b"")
            keys.append(set())
        elif mark == _BRACKET:
            place.append(0)
            keys.append(None)
        else:
            place.pop()
            keys.pop()


def _path(place: Sequence[bytes | int]) -> str:
    """A place as a property path: `context.extensions["https://x.example/n"]`, `[3].actor.mbox`."""
    path = ""
    for step in place[:_MAX_STEPS_SHOWN]:
        path = f"{path}[{step}]" if isinstance(step, int) else keyed(path, step.decode())
    return f"{path}…" if len(place) > _MAX_STEPS_SHOWN else path or "$"
