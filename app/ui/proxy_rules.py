"""What may pass between a browser and a tool behind us: paths, headers and cookies, each way.

Upwards only what is listed passes, so that no header that the tool believes (who is signed in, who forwards) can come
from outside. Downwards everything passes but what concerns the connection (RFC 9110 7.6.1) or the whole of our site.
"""

import re
from collections.abc import Iterable
from hashlib import sha256
from urllib.parse import quote, unquote, urljoin, urlsplit

from app.access.callers import Caller
from app.errors import BadRequest, Problem

SIGN_IN_HEADER = "X-WEBAUTH-EMAIL"
NAME_HEADER = "X-WEBAUTH-NAME"
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "worker-src 'self' blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "form-action 'self'",
        "base-uri 'self'",
        "frame-ancestors 'self'",
    )
)
"""Editors and charts of these tools make scripts and workers as they run; nothing comes from, or goes, elsewhere."""

_UPWARDS = frozenset(
    {
        *("accept", "accept-encoding", "accept-language", "cache-control", "pragma", "expires", "user-agent"),
        *("content-type", "content-length", "range", "if-range", "if-match", "if-none-match", "if-modified-since"),
        *("if-unmodified-since", "x-requested-with", "x-csrftoken"),
    }
)
_HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization"),
        *("proxy-authentication-info", "te", "trailer", "transfer-encoding", "upgrade"),
    }
)
_NOT_DOWNWARDS = _HOP_BY_HOP | {
    # Written anew, here or by the layers around us.
    *("set-cookie", "location", "content-type", "cache-control", "x-frame-options", "date", "server", "x-request-id"),
    # A question for a password would be asked in our name; the rest would hold for all of our site.
    *("www-authenticate", "set-cookie2", "strict-transport-security", "clear-site-data", "service-worker-allowed"),
    *("alt-svc", "nel", "report-to", "reporting-endpoints", "refresh", "x-powered-by", "referrer-policy"),
}
_NOT_DOWNWARDS_STARTS = ("access-control-", "cross-origin-", "x-webauth-")
_PROBLEM = "application/problem+json"
_SIGN = re.compile(rb"[\x21\x23-\x5b\x5d-\x7e]*")
_MOST_DECODED = 4


def inner_path(prefix: str, raw_path: bytes, query: bytes) -> str:
    """The path and query to ask the tool for. BadRequest for what could mean another place than under the prefix.

    raw_path: as it stood on the request line (RFC 9112 3.2.1), so that a slash that was encoded is not taken for one.
    """
    for text in (raw_path, query):
        if not _SIGN.fullmatch(text.replace(b'"', b"")):
            raise _outside("holds characters that have to be encoded.")
    path = raw_path.decode("ascii")
    inside = path.partition(prefix + "/")[2] if path.startswith(prefix + "/") else None
    if inside is None:
        raise _outside(f"does not begin with {prefix}/.")
    plain = inside
    for _ in range(_MOST_DECODED):
        if (
            "\\" in plain
            or any(part in (".", "..") for part in plain.split("/"))
            or re.search(r"[\x00-\x1f\x7f]", plain)
        ):
            raise _outside("has parts that lead elsewhere.")
        if plain.count("/") != inside.count("/"):
            raise _outside("has a slash that is encoded.")
        decoded = unquote(plain)
        if decoded == plain:
            break
        plain = decoded
    else:
        raise _outside("is encoded too often.")
    return f"{path}?{query.decode('ascii')}" if query else path


def identity(caller: Caller) -> tuple[str, str]:
    """An address that is always the same person's, and their name in ASCII. Nobody can choose the address."""
    name = quote(caller.name[:100], safe=" ")
    if caller.account_id is not None:
        return f"account-{caller.account_id}@analytics.invalid", name
    if caller.kind == "token":
        return f"token-{sha256(caller.name.encode()).hexdigest()[:32]}@analytics.invalid", name
    return "admin-token@analytics.invalid", name


def headers_upwards(headers: Iterable[tuple[str, str]], caller: Caller) -> list[tuple[str, str]]:
    """The headers for the tool: the few that it needs, the cookies it set for this caller, and who asks."""
    found, cookies = [], []
    for name, value in headers:
        lower = name.lower()
        if lower == "cookie":
            cookies += _own_cookies(value, cookie_mark(caller))
        elif lower in _UPWARDS:
            found.append((name, value))
    if cookies:
        found.append(("Cookie", "; ".join(cookies)))
    email, name = identity(caller)
    return [*found, (SIGN_IN_HEADER, email), (NAME_HEADER, name)]


def headers_downwards(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The headers of an answer that pass as they are; and those that the answer has of us."""
    headers = list(headers)
    named = {
        part.strip().lower() for name, value in headers if name.lower() == "connection" for part in value.split(",")
    }
    kept = [
        (name, value)
        for name, value in headers
        if (lower := name.lower()) not in _NOT_DOWNWARDS
        and lower not in named
        and not lower.startswith(_NOT_DOWNWARDS_STARTS)
    ]
    for name, value in headers:
        if name.lower() == "content-type":
            # Errors of ours are made into pages by this type; a tool's answer stays what it is.
            kept.append((name, value.replace(_PROBLEM, "application/json")))
    caching = ", ".join(value for name, value in headers if name.lower() == "cache-control")
    return [
        *kept,
        ("Cache-Control", _private(caching)),
        ("Content-Security-Policy", POLICY),
        ("X-Frame-Options", "SAMEORIGIN"),
    ]


def cookie_mark(caller: Caller) -> str:
    """What the names of a caller's cookies begin with: different for each login, so that nobody inherits a session."""
    whose = f"{caller.actor} {caller.session_id}"
    return f"tool-{sha256(whose.encode()).hexdigest()[:16]}-"


def cookie_downwards(line: str, prefix: str, caller: Caller, *, secure: bool) -> str | None:
    """A Set-Cookie of the tool (RFC 6265 4.1), for its own paths and no script; None for one that cannot be read."""
    pair, _, rest = line.partition(";")
    name, equals, value = pair.partition("=")
    name, value = name.strip(), value.strip()
    if not equals or not re.fullmatch(r"[\w!#$%&'*+.^`|~-]{1,100}", name, re.ASCII) or re.search(r"[\s,;\\]", value):
        return None
    kept = [f"{cookie_mark(caller)}{name}={value}", f"Path={prefix}"]
    same_site = "Lax"
    for part in rest.split(";"):
        key, _, said = (piece.strip() for piece in part.partition("="))
        if key.lower() in ("max-age", "expires") and re.fullmatch(r"[\w ,:-]{1,60}", said, re.ASCII):
            kept.append(f"{key}={said}")
        if key.lower() == "samesite" and said.lower() == "strict":
            same_site = "Strict"
    return "; ".join([*kept, "HttpOnly", f"SameSite={same_site}", *(["Secure"] if secure else [])])


def location_downwards(location: str, asked: str, prefix: str, host: str) -> str | None:
    """Where a redirect of the tool leads for a browser; None when that is outside of the tool.

    asked: the URL that the tool was asked for. host: the name by which the browser knows us.
    """
    if re.search(r"[\x00-\x20\x7f\\]", location):
        return None
    try:
        there, own = urlsplit(urljoin(asked, location)), urlsplit(asked)
    except ValueError:
        return None
    if there.scheme not in ("http", "https") or there.netloc.lower() not in (own.netloc.lower(), host.lower()):
        return None
    path = there.path if there.path == prefix or there.path.startswith(prefix + "/") else prefix + (there.path or "/")
    if any(unquote(part) in (".", "..") for part in path.split("/")):
        return None
    return there._replace(scheme="", netloc="", path=path).geturl()


def _own_cookies(line: str, mark: str) -> list[str]:
    pairs = (part.strip().partition("=") for part in line.split(";"))
    return [f"{name.removeprefix(mark)}={value}" for name, _, value in pairs if name.startswith(mark)]


def _private(caching: str) -> str:
    """What is seen after a login is nobody else's to keep (RFC 9111 5.2.2); without a word it is kept nowhere."""
    parts = [part.strip() for part in caching.split(",") if part.strip()]
    kept = [part for part in parts if not re.match(r"(public|private|s-maxage)\b", part, re.IGNORECASE)]
    return ", ".join(["private", *kept]) if kept else "no-store"


def _outside(message: str) -> BadRequest:
    return BadRequest(f"The address {message}", [Problem("path", message, "A path of the tool, without dot segments.")])
