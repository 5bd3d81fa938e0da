"""Forms as browsers send them without a script, read once for each request, within limits."""

from typing import Annotated
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import Depends, Request
from starlette.datastructures import ImmutableMultiDict

from app.errors import BadRequest, Problem, TooLarge, Unsupported

FORM = "application/x-www-form-urlencoded"
MAX_FIELDS = 1_000
MAX_BYTES = 2**20

Fields = ImmutableMultiDict[str, str]


async def fields_of(request: Request) -> Fields:
    """The fields of a form, empty ones included. Unsupported, TooLarge or BadRequest say what is wrong with it."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Unsupported(f"Send {FORM}.", [Problem("Content-Type", "is no form.")])
    body = await bounded_body(request, MAX_BYTES)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        told = f"is not a form in UTF-8 with at most {MAX_FIELDS} fields."
        raise BadRequest(f"The body {told}", [Problem("$", told)]) from None
    if any("\x00" in value for _, value in pairs):
        raise BadRequest("The form holds a NUL character.", [Problem("$", "holds a NUL character.", "Text.")])
    return ImmutableMultiDict(pairs)


Form = Annotated[Fields, Depends(fields_of)]


async def bounded_body(request: Request, max_bytes: int) -> bytes:
    """The body, kept for whoever reads it again. TooLarge when it has more bytes than that."""
    known: bytes | None = getattr(request, "_body", None)
    if known is None:
        parts: list[bytes] = []
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > max_bytes:
                raise _too_large(max_bytes)
            parts.append(part)
        known = request._body = b"".join(parts)
    if len(known) > max_bytes:
        raise _too_large(max_bytes)
    return known


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"What was sent has more than {max_bytes:,} bytes, which is the most.")


def actor_of(request: Request) -> str:
    """Who acts, as the audit log names them."""
    caller = request.state.caller
    return str(getattr(caller, "actor", caller.name))


def id_in(text: str) -> UUID | None:
    """The id that somebody gave: by itself, or at the end of the address of a page. None when there is none."""
    try:
        return UUID(text.strip().partition("?")[0].rstrip("/").rpartition("/")[2])
    except ValueError:
        return None
