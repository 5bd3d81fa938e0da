"""What several commands read in the same way."""

import sys
from pathlib import Path

from app.errors import BadRequest, TooLarge


def content_of(file: str, max_bytes: int, *, option: str = "") -> bytes:
    """The bytes of a file, `-` being standard input; no more than a request may have (MAX_BODY_BYTES).

    option: which one named the file, for the message of BadRequest (it cannot be read) or TooLarge.
    """
    told = f"{option} {file}".strip()
    try:
        if file == "-":
            content = sys.stdin.buffer.read(max_bytes + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(max_bytes + 1)
    except OSError as error:
        raise BadRequest(f"{told}: {error.strerror or error}.") from None
    if len(content) > max_bytes:
        raise TooLarge(f"{told} has more than {max_bytes} bytes (MAX_BODY_BYTES).")
    return content
