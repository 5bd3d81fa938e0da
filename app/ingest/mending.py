"""From a dead letter, mended or as it is, to statements that can be made durable, or to what is still wrong. Pure.

A letter is read as the door read it when it came: as a PUT of one statement or as a POST of one or several, under the
edition of xAPI it was sent under, alone or with attachments.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from app.errors import Problem
from app.ingest.models import DeadLetter
from app.lrs.attachments import attachments_of, parse_multipart
from app.lrs.receiving import Received, receive_many, receive_one
from app.lrs.statements import Refused, parse_json
from app.lrs.validation import is_uuid
from app.platform.ids import stable_id

ASSUMED_VERSION = "1.0.3"
"""What a letter is read by when nobody knows under which edition it was sent."""

Parts = Mapping[str, bytes]

_EDITION = re.compile(r"[12]\.0\.\d{1,4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Fix:
    """What is to be sent other than as the letter has it; None: as it is. See schemas.Mending."""

    body: bytes | None = None
    content_type: str | None = None
    xapi_version: str | None = None
    statement_id: UUID | None = None

    @property
    def changes(self) -> list[str]:
        """The names of what is changed, for the audit log."""
        given = (self.body, self.content_type, self.xapi_version, self.statement_id)
        names = ("body", "content_type", "xapi_version", "statement_id")
        return [name for name, value in zip(names, given, strict=True) if value is not None]


@dataclass(frozen=True, slots=True)
class Glance:
    """own_id: what a single statement says is its id. hashes: of each attachment that does not say where to find it."""

    own_id: UUID | None
    hashes: frozenset[str]


def version_of(letter: DeadLetter, fix: Fix) -> str:
    """The edition to read it by; what is no edition (damage on the stream) counts as not known."""
    known = letter.xapi_version if _EDITION.fullmatch(letter.xapi_version or "") else None
    return fix.xapi_version or known or ASSUMED_VERSION


def text_and_parts(letter: DeadLetter, fix: Fix) -> tuple[bytes, dict[str, bytes], bool]:
    """The JSON of the statements, the attachments at hand by SHA-2, and whether they came in one body with it.

    JSON that replaces a multipart body keeps the attachments of that one. Refused when what should be multipart/mixed
    cannot be read as that, and when what came compressed never was whole.
    """
    body = letter.body if fix.body is None else fix.body
    if fix.body is None and letter.code == "damaged_encoding":
        raise Refused(letter.reason, [Problem(**problem) for problem in letter.problems])
    kind = fix.content_type or letter.content_type or ""
    replaces = fix.body is not None and _is_multipart(letter.content_type)
    if replaces and fix.content_type is None and body.lstrip()[:1] in (b"{", b"["):
        kind = "application/json"
    if _is_multipart(kind):
        return *parse_multipart(kind, body), True
    if replaces:
        try:
            return body, parse_multipart(letter.content_type or "", letter.body)[1], False
        except Refused:
            pass  # Attachments without data are told by their path soon enough.
    return body, {}, False


def glance(text: bytes) -> Glance:
    """What a replay has to know of statements before they are checked. Refused when they are not even JSON.

    Read by the door's own reader, which will not make a many times its size of a body that is meant to hurt.
    """
    parsed = parse_json(text)
    wanted: set[str] = set()
    for statement in parsed if isinstance(parsed, list) else [parsed]:
        if isinstance(statement, dict) and all(
            isinstance(holder.get("attachments", []), list)
            for holder in (statement, statement.get("object"))
            if isinstance(holder, dict)
        ):
            found = (one for _, one in attachments_of(statement) if isinstance(one, dict) and "fileUrl" not in one)
            wanted.update(sha2.lower() for one in found if isinstance(sha2 := one.get("sha2"), str))
    own = parsed.get("id") if isinstance(parsed, dict) else None
    return Glance(UUID(own) if isinstance(own, str) and is_uuid(own) else None, frozenset(wanted))


def receive(
    letter: DeadLetter, fix: Fix, text: bytes, *, own: UUID | None, parts: Parts | None, max_statements: int
) -> Received:
    """The letter's statements, valid, each with the id that it will have however often this is done.

    text: their JSON. own: the id that a single statement says it has. parts: attachments, None when there are none.
    Ids are, in this order: the statement's own; the one that the sender was told; one computed from the letter and the
    statement's place in it, so that a replay that is repeated finds its own statements there. Refused tells what is
    wrong, by path, as the door would.
    """
    asked = fix.statement_id or (own if fix.body is not None else None) or letter.statement_id
    if fix.statement_id or _was_put(letter):
        asked = asked or own or _id_told(letter)
        if asked is None:
            raise Refused(
                "The sender did not say which statement this is, and neither does the body.",
                [Problem("statement_id", "is not known.", "A UUID, as statement_id or as id in a new body.")],
            )
        return receive_one(text, str(asked), version_of(letter, fix), parts)
    received = receive_many(text, version_of(letter, fix), max_statements, parts)
    if not received.ids:
        raise Refused("The body holds no statements.", [Problem("$", "is an empty array.", "At least one statement.")])
    ids = _ids(letter, received, letter.statement_ids)
    if len(set(ids)) < len(ids):
        ids = _ids(letter, received, None)
    return replace(received, ids=ids, held=ids)


def advice(letter: DeadLetter) -> str:
    """What somebody who looks at the letter can do about it."""
    if letter.status == "replayed":
        return "What it held has been stored. It opens again by itself should the same bytes be turned away once more."
    again = " Discarded, it can still be replayed." if letter.status == "discarded" else ""
    if letter.code == "conflict":
        return (
            "Another statement is stored under its id. If both are real, replay it with a new body in which this one "
            f"has another id; if not, discard it. Unchanged it is refused for as long as the other one is there.{again}"
        )
    if letter.code == "damaged_encoding":
        return f"It came compressed and not whole. Ask its sender for it, or replay it with a new body.{again}"
    if letter.source == "sweep":
        return (
            f"It is in the record and has no flat row. Replay hands it to the sweep, once it can be flattened.{again}"
        )
    if letter.code in ("failed", "unreadable") and letter.source != "door":
        return f"It was valid when it came and could not be loaded. Replay it once the cause is mended.{again}"
    return f"Replay it with a new body in which the problems are mended, or unchanged if the rules were.{again}"


def _was_put(letter: DeadLetter) -> bool:
    """Whether it came as one statement under an id: by PUT, or on its own from the loader, which names each."""
    return letter.statement_id is not None or letter.path == "?statementId"


def _id_told(letter: DeadLetter) -> UUID | None:
    return letter.statement_ids[0] if letter.statement_ids and len(letter.statement_ids) == 1 else None


def _ids(letter: DeadLetter, received: Received, told: list[UUID] | None) -> tuple[UUID, ...]:
    own = set(received.held)
    known = told if told and len(told) == len(received.ids) else None
    return tuple(
        one if one in own else known[place] if known else stable_id("replayed_statement", f"{letter.id} {place}")
        for place, one in enumerate(received.ids)
    )


def _is_multipart(content_type: str | None) -> bool:
    return (content_type or "").strip().lower().startswith("multipart/")
