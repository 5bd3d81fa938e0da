"""Bodies that are larger than a form, and what forms name: who acts, and on what."""

from uuid import UUID

from fastapi import Request

from app.errors import TooLarge


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
    return str(request.state.caller.actor)


def id_in(text: str) -> UUID | None:
    """The id that somebody gave: by itself, or at the end of the address of a page. None when there is none."""
    try:
        return UUID(text.strip().partition("?")[0].rstrip("/").rpartition("/")[2])
    except ValueError:
        return None
