"""Statements in a file, one after another, without holding the file in memory.

A file holds an array of statements, statements one after another, or one statement per line (JSON
lines); any of them may be compressed with gzip. Which it is, its content tells, not its name.
"""

import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast
from uuid import UUID, uuid5

import orjson

from app.cli.sending import CannotRun
from app.errors import Problem

STATEMENT_NAMESPACE = UUID("5b0a4a7e-3c51-5d0e-9c55-6d7f1f0a7a11")
"""Names the ids that we derive from content; running a load again relies on it staying as it is."""
MAX_STATEMENT_BYTES = 16 * 2**20
"""A line or an array element beyond this is not read into memory."""
CHUNK_BYTES = 2**20

_BLANK = " \t\r\n"
_BOM = b"\xef\xbb\xbf"
_LINE_BREAKS_TO_BLANKS = bytes.maketrans(b"\r\n", b"  ")


@dataclass(frozen=True, slots=True)
class Statement:
    """place: where it is, such as `line 7`; source: its text; body: that text with an id."""

    place: str
    source: bytes
    body: bytes
    id: str


@dataclass(frozen=True, slots=True)
class Refused:
    """What is in the file but not on the server, and why. readable: whether source is JSON."""

    place: str
    source: bytes
    problems: tuple[Problem, ...]
    readable: bool = True

    def as_json_line(self) -> bytes:
        """For a file of refusals: the place, the statement as it came, the problems."""
        told: dict[str, object] = {"place": self.place}
        if self.readable:
            # No string in JSON contains a bare line break, so these separate tokens only.
            told["statement"] = orjson.Fragment(self.source.translate(_LINE_BREAKS_TO_BLANKS))
        else:
            told["text"] = self.source.decode(errors="backslashreplace")
        told["problems"] = [asdict(one) for one in self.problems]
        return orjson.dumps(told) + b"\n"


class StatementFile:
    """An open file of statements, to iterate over once; `position` of `size` bytes were read."""

    def __init__(self, stream: BinaryIO, size: int | None = None):
        self.size = size
        self._file = stream
        self._read_bytes = 0

    @property
    def position(self) -> int:
        """How many bytes of the file, compressed as it may be, have been read."""
        return self._read_bytes

    def __iter__(self) -> Iterator[Statement | Refused]:
        head = self._file.read(len(_BOM))
        raw = _Joined(head, self._file, self._add_read)
        stream: BinaryIO = io.BufferedReader(raw, CHUNK_BYTES)
        if head.startswith(b"\x1f\x8b"):
            unpacked = gzip.GzipFile(fileobj=stream)
            stream = io.BufferedReader(cast(io.RawIOBase, unpacked), CHUNK_BYTES)
        return _guarded(_statements(stream))

    def _add_read(self, count: int) -> None:
        self._read_bytes += count


@contextmanager
def open_statements(path: str) -> Iterator[StatementFile]:
    """The file at `path`, or the standard input for `-`. CannotRun when it cannot be opened."""
    if path == "-":
        yield StatementFile(sys.stdin.buffer)
        return
    with ExitStack() as stack:
        try:
            stream = stack.enter_context(Path(path).open("rb"))
            size = Path(path).stat().st_size
        except OSError as error:
            raise CannotRun(f"{path} cannot be read: {error.strerror or error}") from error
        yield StatementFile(stream, size)


def content_id(statement: Any) -> str:
    """The id of a statement without one; spacing and key order make no difference to it."""
    return str(uuid5(STATEMENT_NAMESPACE, json.dumps(statement, sort_keys=True, separators=(",", ":"))))


def _statements(stream: BinaryIO) -> Iterator[Statement | Refused]:
    line_number, first = 1, stream.read(1)
    if first == _BOM[:1]:
        first = stream.read(len(_BOM))[-1:]
    while first and first in b" \t\r\n":
        line_number += first == b"\n"
        first = stream.read(1)
    if first == b"[":
        yield from _values(stream, "[")
    elif first:
        line = first + stream.readline(MAX_STATEMENT_BYTES)
        ahead = b"" if _reads_as_json(line) else stream.read(CHUNK_BYTES)
        # A first line that is not complete is either broken or the start of a statement written
        # over several lines.
        several_lines = bool(ahead) and _spans_lines(line, ahead)
        rest = cast(BinaryIO, io.BufferedReader(_Joined(line + ahead, stream), CHUNK_BYTES))
        yield from _values(rest, "") if several_lines else _lines(rest, line_number)


def _lines(stream: BinaryIO, line_number: int) -> Iterator[Statement | Refused]:
    while line := stream.readline(MAX_STATEMENT_BYTES):
        place = f"line {line_number}"
        if len(line) == MAX_STATEMENT_BYTES and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = stream.readline(CHUNK_BYTES)
            yield _broken(place, b"", Problem("$", f"The line is longer than {MAX_STATEMENT_BYTES} bytes."))
        elif text := line.strip():
            try:
                value = _DECODER.decode(text.decode())
            except (ValueError, RecursionError) as error:
                yield _broken(place, text, _not_json(error))
            else:
                yield from _opened(value, text, place)
        line_number += 1


def _values(stream: BinaryIO, text: str) -> Iterator[Statement | Refused]:
    """Statements one after another, commas and the brackets of arrays between them.

    A value that cannot be read ends it: where the next one would start is then anybody's guess.
    """
    reader = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
    number, at, ended = 0, 0, False
    in_array, after_value = False, False
    while True:
        at = _next_token(text, at)
        if at >= len(text):
            more = "" if ended else reader.read(CHUNK_BYTES)
            if not more:
                break
            text, at = more, 0
            continue
        mark = text[at]
        if mark == "[" and not in_array:
            in_array, after_value, at = True, False, at + 1
        elif mark == "]" and in_array:
            in_array, after_value, at = False, False, at + 1
        elif mark == "," and in_array and after_value:
            after_value, at = False, at + 1
        else:
            number += 1
            place = f"element {number}"
            if in_array and after_value:
                yield _broken(place, _start_of(text, at), Problem("$", "There is no comma before this."))
                return
            try:
                (value, end), text, at, ended = _decoded(reader, text, at, ended)
            except (ValueError, RecursionError) as error:
                problem = _not_json(error, "the file was not read beyond this place")
                yield _broken(place, _start_of(text, at), problem)
                return
            source = text[at:end].encode(errors="surrogateescape")
            if _is_utf8(source):
                yield from _opened(value, source, place)
            else:
                yield _broken(place, source, Problem("$", "This is not UTF-8.", "JSON is sent as UTF-8."))
            after_value, at = True, end
    if in_array:
        problem = Problem(
            "$",
            "The file ends inside the array.",
            "A closing bracket; the file may have been cut off.",
        )
        yield _broken(f"element {number + 1}", b"", problem)


def _decoded(reader: io.TextIOWrapper, text: str, at: int, ended: bool) -> tuple[tuple[Any, int], str, int, bool]:
    """The value at `at` and its end, after reading as far as it takes. ValueError if broken."""
    step = CHUNK_BYTES
    while True:
        try:
            value, end = _DECODER.raw_decode(text, at)
            if end < len(text) or ended:
                return (value, end), text, at, ended
        except ValueError:
            if ended or len(text) - at > MAX_STATEMENT_BYTES:
                raise
        more = reader.read(step)
        step *= 2  # Else a broken element would be decoded anew for every chunk up to the limit.
        ended = not more
        text, at = text[at:] + more, 0


def _opened(value: Any, source: bytes, place: str) -> Iterator[Statement | Refused]:
    if not isinstance(value, dict):
        yield _broken(
            place,
            source,
            Problem("$", f"This is {_kind(value)}.", "A statement, which is a JSON object."),
        )
        return
    if "id" in value:
        yield Statement(place, source, source, str(value["id"]).lower())
        return
    given = content_id(value)
    # Written in front of the text as it came: nothing else of what the sender wrote may change on
    # the way.
    rest = source[1:].lstrip()
    body = b'{"id":"' + given.encode() + (b'"' if rest.startswith(b"}") else b'",') + rest
    yield Statement(place, source, body, given)


def _guarded(statements: Iterator[Statement | Refused]) -> Iterator[Statement | Refused]:
    """The same, with a file that stops being readable midway told as a broken place at its end."""
    try:
        yield from statements
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        yield _broken("the rest of the file", b"", Problem("$", f"It cannot be read: {error}"))


def _broken(place: str, source: bytes, problem: Problem) -> Refused:
    return Refused(place, source, (problem,), readable=False)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)


def _reads_as_json(line: bytes) -> bool:
    try:
        _DECODER.decode(line.decode().strip())
    except (ValueError, RecursionError):
        return False
    return True


def _spans_lines(line: bytes, ahead: bytes) -> bool:
    try:
        _value, end = _DECODER.raw_decode((line + ahead).decode(errors="surrogateescape"))
    except (ValueError, RecursionError):
        return False
    return end > len(line.decode(errors="surrogateescape"))


def _start_of(text: str, at: int) -> bytes:
    return text[at : at + 200].encode(errors="surrogateescape")


def _is_utf8(source: bytes) -> bool:
    try:
        source.decode()
    except UnicodeDecodeError:
        return False
    return True


def _next_token(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANK:
        at += 1
    return at


def _not_json(error: Exception, consequence: str = "") -> Problem:
    what = "nested too deeply" if isinstance(error, RecursionError) else str(error)
    return Problem(
        "$",
        f"This is not JSON: {what}" + (f"; {consequence}." if consequence else "."),
        "One JSON object.",
    )


def _kind(value: Any) -> str:
    kinds = {list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return kinds.get(type(value), "a number")


class _Joined(io.RawIOBase):
    """Bytes that were read already, then the rest of their stream."""

    def __init__(self, head: bytes, rest: BinaryIO, tell_read: Any = None):
        self._head, self._rest, self._tell_read = head, rest, tell_read

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what comes next; 0 at the end."""
        if self._head:
            piece, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        else:
            # read1 hands out what a pipe holds instead of waiting for a full buffer.
            read = getattr(self._rest, "read1", self._rest.read)
            piece = read(len(buffer))
        buffer[: len(piece)] = piece
        if self._tell_read:
            self._tell_read(len(piece))
        return len(piece)
