"""The header that names the edition of xAPI a request and its reply speak (xAPI 1.0.3 Communication 3.3)."""

import re
from typing import Annotated

from fastapi import Depends, Header, Request

from app.errors import BadRequest, Problem
from app.security import Sender

VERSION_HEADER = "X-Experience-API-Version"
ASSUMED_VERSION = "1.0.3"
"""What the plain door takes a statement for when its sender names no version, and what a reply calls itself to somebody
who never named one; 7taps speaks 1.0.x."""

Version = Annotated[str | None, Header(alias=VERSION_HEADER, description="1.0.x or 2.0.x")]

_SPOKEN = re.compile(r"(?:1\.0|2\.0)(?:\.\d{1,4})?", re.ASCII)
_EXPECTED = "1.0.3, or another 1.0.x or 2.0.x."


def full_version(header: str) -> str | None:
    """The version that a header names, a bare 1.0 being 1.0.0 and a bare 2.0 2.0.0; None when it is not spoken here."""
    if not _SPOKEN.fullmatch(header):
        return None
    return f"{header}.0" if header.count(".") == 1 else header


def assumed_version(header: str | None) -> str:
    """The version named by a sender whose headers nobody controls; 1.0.3 when it names none."""
    return ASSUMED_VERSION if header is None else _known(header)


async def _spoken(request: Request, sender: Sender, header: Version = None) -> str:
    """The version this request speaks. Each request has to name one, and the reply names it too.

    A refusal of a request that names none has to name one all the same, "the latest patch version" of what its reader
    speaks, and two are spoken here: it is the one that this sender spoke last, as far as this process knows.
    """
    last: dict[str, str] = request.app.state.last_spoken
    if header is None:
        request.state.reply_headers = {VERSION_HEADER: last.get(sender.id, ASSUMED_VERSION)}
        raise BadRequest(
            f"The header {VERSION_HEADER} is missing.", [Problem(VERSION_HEADER, "is missing.", _EXPECTED)]
        )
    last[sender.id] = version = _known(header)
    return version


Spoken = Annotated[str, Depends(_spoken)]
"""For a door under /xapi: the version its request speaks, such as 1.0.3. Middleware names it on the reply."""


def _known(header: str) -> str:
    version = full_version(header)
    if version is None:
        told = f"{header[:40]!r}"
        raise BadRequest(
            f"The xAPI version {told} is not spoken here.", [Problem(VERSION_HEADER, f"is {told}.", _EXPECTED)]
        )
    return version
