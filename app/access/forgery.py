"""Against requests that another site makes a browser send (CSRF): a token that only our pages know, and where from.

The token is an HMAC under the session's secret, masked anew for each answer: pages are compressed, and a secret that
stood in them unchanged could be found out by how well they compress (BREACH). Only requests that are authenticated by
a cookie need it; what a browser does not send by itself cannot be forged.
"""

import binascii
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from urllib.parse import urlsplit

from fastapi import Request
from starlette.requests import HTTPConnection

from app.access.forms import FORM, MULTIPART, form_of, parts_of
from app.config import Settings
from app.errors import NotAllowed

FIELD = "csrf_token"
HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_BYTES = sha256().digest_size


class Forged(NotAllowed):
    """The request carries a session, and nothing shows that a page of ours sent it."""

    code = "csrf"
    title = "Nothing shows that this comes from a page of ours"


def secret_of(cookie: str) -> bytes:
    """What the tokens of one session (or of one login form) have in common."""
    return hmac.digest(cookie.encode("utf-8", "replace"), b"7taps Analytics: forms", sha256)


def masked(secret: bytes) -> str:
    """A token for one answer: a random mask, and the secret under it."""
    mask = secrets.token_bytes(_BYTES)
    return urlsafe_b64encode(mask + _xor(mask, secret)).decode()


def is_token_of(secret: bytes, token: str) -> bool:
    """Whether a token was made from this secret."""
    try:
        both = urlsafe_b64decode(token.encode("ascii"))
    except (binascii.Error, ValueError):
        return False
    return len(both) == 2 * _BYTES and hmac.compare_digest(_xor(both[:_BYTES], both[_BYTES:]), secret)


async def check(request: Request, secret: bytes) -> None:
    """Forged unless the request comes from a page of this site and carries a token of this secret.

    The token is the header X-CSRF-Token, or the field csrf_token of a form.
    """
    check_origin(request)
    token = request.headers.get(HEADER)
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if token is None and media_type == FORM:
        token = (await form_of(request)).get(FIELD)
    if token is None and media_type == MULTIPART:
        sent = (await parts_of(request)).get(FIELD)
        token = sent if isinstance(sent, str) else None
    if token is None:
        raise Forged(f"With a session this needs the header {HEADER}, or the field {FIELD} of a form.")
    if not is_token_of(secret, token):
        raise Forged("The page that sent this is out of date. Load it again, and send once more.")


def check_origin(request: HTTPConnection) -> None:
    """Forged when the browser says that a page of another site sent this (Fetch Metadata; Origin, RFC 6454)."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise Forged("A page of another site sent this.")
    origin = request.headers.get("origin")
    if origin is None:
        return
    settings: Settings = request.app.state.settings
    host = urlsplit(origin).netloc.lower()
    own = {request.headers.get("host", "").lower(), urlsplit(settings.public_url or "").netloc.lower()} - {""}
    if host not in own:
        raise Forged("A page of another site sent this.")


def check_sent_from_here(request: HTTPConnection, secret: bytes) -> None:
    """Forged unless the browser says that a page of this very site sent this, or the header X-CSRF-Token does.

    For the pages of tools that know nothing of our tokens. Browsers write Sec-Fetch-Site (Fetch Metadata) and Origin
    (Fetch 3.1: with every method but GET and HEAD, and with every WebSocket) themselves, and no page can write them.
    Where neither came, nothing is known, and so it is refused.
    """
    check_origin(request)
    if request.headers.get("sec-fetch-site") == "same-origin" or request.headers.get("origin"):
        return
    if not is_token_of(secret, request.headers.get(HEADER, "")):
        raise Forged("Nothing says where this comes from: with a session, Origin or Sec-Fetch-Site is needed.")


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
