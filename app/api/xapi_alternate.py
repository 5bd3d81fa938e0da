"""The Alternate Request Syntax: a POST that carries another request in a form (xAPI 1.0.3 Communication 1.3).

Made for browsers that can send neither PUT nor headers to another site, and for queries too long for an address.
Version 2.0 (IEEE 9274.1.1) has dropped it.
"""

import re
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem_response
from app.api.requests import read_body
from app.api.xapi_headers import header, under_xapi, with_version
from app.api.xapi_version import VERSION_HEADER
from app.errors import AppError, BadRequest, Problem

FORM = "application/x-www-form-urlencoded"
METHODS = ("GET", "PUT", "POST", "DELETE", "HEAD")
MAX_FIELDS = 100

_HEADER_FIELDS = frozenset(
    {"authorization", "x-experience-api-version", "content-type", "content-length", "if-match", "if-none-match"}
)
_OF_THE_FORM = frozenset({"content-type", "content-length", "transfer-encoding"})
_TWO_ZERO = re.compile(r"2\.0(?:\.\d+)?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class AlternateRequests:
    """Middleware: turns an alternate request under /xapi into the request that it means (Communication 1.3)."""

    def __init__(self, app: ASGIApp, max_body_bytes: int):
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if not under_xapi(scope) or "method" not in dict(query := _query(scope)):
            await self._app(scope, receive, send)
            return
        try:
            method = _method(scope, query)
            form = await read_body(Request(scope, receive), self._max_body_bytes)
            real, content = rewritten(scope, method, form)
        except AppError as error:
            await problem_response(error)(scope, receive, send)
            return
        if method == "HEAD":
            send = _without_body(send)
        await self._app(
            real, _body_first(content, receive), with_version(send, header(real["headers"], VERSION_HEADER))
        )


def rewritten(scope: Scope, method: str, form: bytes) -> tuple[Scope, bytes]:
    """The request that the form describes, as its scope and its body. BadRequest says what the form lacks.

    A header in the form beats the one of the same name around it. Content-Length is always the real one: the form's
    own is only a SHOULD, and scripts count characters where the header counts bytes.
    """
    headers, fields, content = _sorted(_fields(form))
    _refuse_two_zero(headers.get(VERSION_HEADER.lower()))
    if content is None and method in ("PUT", "POST"):
        raise _wrong("content", "is missing.", f"the body of the {method}, as a form field of this name.")
    body = (content or "").encode()
    if content is None:
        headers.pop("content-type", None)
        headers.pop("content-length", None)
    else:
        headers.setdefault("content-type", "application/json")
        headers["content-length"] = str(len(body))
    kept = [
        (name, value)
        for name, value in scope["headers"]
        if (known := name.decode("latin-1").lower()) not in headers and known not in _OF_THE_FORM
    ]
    added = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    query_string = urlencode(fields).encode()
    return {**scope, "method": method, "query_string": query_string, "headers": kept + added}, body


def _query(scope: Scope) -> list[tuple[str, str]]:
    return parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)


def _method(scope: Scope, query: list[tuple[str, str]]) -> str:
    """The method that is meant. BadRequest when what surrounds the form is not as Communication 1.3 has it."""
    _refuse_two_zero(header(scope["headers"], VERSION_HEADER))
    if scope["method"] != "POST":
        raise _wrong("?method", f"came with {scope['method']}.", "a POST; or this request without ?method.")
    if len(query) > 1:
        extra = next((name for name, _ in query if name != "method"), "method")
        raise _wrong(f"?{extra[:80]}", "is beside ?method.", "all other parameters in the form.")
    method = query[0][1]
    if method not in METHODS:
        raise _wrong("?method", f"is {method[:40]!r}.", f"one of {', '.join(METHODS)}.")
    media_type = (header(scope["headers"], "Content-Type") or "").partition(";")[0].strip().lower()
    if media_type != FORM:
        raise _wrong("Content-Type", f"is {media_type[:80]!r}.", f"{FORM}, around the form.")
    return method


def _fields(form: bytes) -> list[tuple[str, str]]:
    if not form:
        return []
    try:
        return parse_qsl(
            form.decode(), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise _wrong(
            "$", f"is not a {FORM} form.", f"at most {MAX_FIELDS} fields as name=value, joined by &, in UTF-8."
        ) from None


def _sorted(
    form: list[tuple[str, str]],
) -> tuple[dict[str, str], list[tuple[str, str]], str | None]:
    """The form's fields by what they stand for: headers under their lower-case name, query parameters, the body."""
    headers: dict[str, str] = {}
    fields: list[tuple[str, str]] = []
    content: str | None = None
    for name, value in form:
        known = name.lower()
        if known in headers or (name == "content" and content is not None):
            raise _wrong(name, "is there more than once.", "one field of this name.")
        if known in _HEADER_FIELDS:
            if _CONTROL.search(value) or not value.isascii():
                raise _wrong(name, "holds characters that no header may hold.", "printable ASCII.")
            headers[known] = value.strip()
        elif name == "content":
            content = value
        else:
            fields.append((name, value))
    return headers, fields, content


def _refuse_two_zero(version: str | None) -> None:
    if version is not None and _TWO_ZERO.fullmatch(version):
        raise _wrong(
            "?method", f"is not part of xAPI {version[:40]}.", "the real method and headers; or version 1.0.3."
        )


def _wrong(path: str, message: str, expected: str) -> BadRequest:
    return BadRequest(
        f"This alternate request (xAPI 1.0.3 Communication 1.3) is not right: {path} {message}",
        [Problem(path, message, expected)],
    )


def _body_first(body: bytes, receive: Receive) -> Receive:
    given = False

    async def receive_body() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_body


def _without_body(send: Send) -> Send:
    """For HEAD: on the wire it is a POST, whose reader would wait for the bytes that Content-Length promises."""

    async def send_bodiless(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Content-Length"] = "0"
        elif message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await send(message)

    return send_bodiless
