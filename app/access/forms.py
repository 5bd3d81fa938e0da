"""Forms as browsers send them without script: application/x-www-form-urlencoded, read once for each request."""

from typing import Annotated, cast
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from starlette.datastructures import FormData, ImmutableMultiDict

from app.errors import BadRequest, Problem, TooLarge, Unsupported

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
MOST_PARTS = 20
MOST_PART_BYTES = 8 * 1024
MOST_FIELDS = 1_000
MOST_BYTES = 2 * 2**20

Fields = ImmutableMultiDict[str, str]


async def form_of(request: Request) -> Fields:
    """The fields of a form, empty ones included. Unsupported, TooLarge or BadRequest say what is wrong with it."""
    known = getattr(request.state, "form", None)
    if known is None:
        known = request.state.form = _read(request, await _body(request))
    return cast(Fields, known)


Form = Annotated[Fields, Depends(form_of)]


async def parts_of(request: Request) -> FormData:
    """A form with one file and a few short fields (RFC 7578). HTTPException (400) says what is wrong with it."""
    return await request.form(max_files=1, max_fields=MOST_PARTS, max_part_size=MOST_PART_BYTES)


async def _body(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Unsupported(f"Send {FORM}.", [Problem("Content-Type", "is no form.")])
    body = await request.body()  # Bounded by MAX_BODY_BYTES before it comes here.
    if len(body) > MOST_BYTES:
        raise TooLarge(f"The form has more than {MOST_BYTES} bytes.")
    return body


def _read(request: Request, body: bytes) -> Fields:
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        told = f"is not a form in UTF-8 with at most {MOST_FIELDS} fields."
        raise BadRequest(f"The body {told}", [Problem("$", told)]) from None
    if any("\x00" in value for _, value in pairs):
        raise BadRequest("The form holds a NUL character.", [Problem("$", "holds a NUL character.", "Text.")])
    return ImmutableMultiDict(pairs)
