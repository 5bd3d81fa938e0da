"""Compression on the wire: bodies that come in compressed (RFC 9110 8.4), answers that go out compressed."""

import zlib

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem_response
from app.errors import AppError, BadRequest, Problem, TooLarge

PIECE_BYTES = 64 * 1024
"""The most that one step of decompression yields."""

_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_UNDERSTOOD = "gzip, deflate, identity"


class UnknownEncoding(AppError):
    """The body is encoded in a way that is not understood here (RFC 9110 15.5.16)."""

    status = 415
    code = "unknown_encoding"
    title = "This Content-Encoding is not understood"


class RequestEncoding:
    """Middleware: hands compressed request bodies on decompressed, piece by piece, max_body_bytes at most.

    RFC 9110 8.4 (Content-Encoding) and 15.5.16 (415). What is not asked for is not decompressed, so that a stranger
    whose headers suffice to send him away costs nothing.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int):
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or "content-encoding" not in (headers := Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        encoding = ", ".join(headers.getlist("content-encoding")).strip().lower()
        if encoding in ("identity", ""):
            await self._app(_without(scope, b"content-encoding"), receive, send)
        elif encoding in _WINDOW_BITS:
            body = _DecodedBody(receive, encoding, self._max_body_bytes)
            await self._decoded(_without(scope, b"content-encoding", b"content-length"), body, send)
        else:
            problem = Problem("Content-Encoding", f"is {encoding[:80]!r}.", f"one of {_UNDERSTOOD}.")
            answer = problem_response(UnknownEncoding("The body's Content-Encoding is not understood.", [problem]))
            answer.headers["Accept-Encoding"] = _UNDERSTOOD
            await answer(scope, receive, send)

    async def _decoded(self, scope: Scope, body: "_DecodedBody", send: Send) -> None:
        """Whatever the application makes of a body that failed, the sender is told how it failed."""
        started = False

        async def send_unless_failed(message: Message) -> None:
            nonlocal started
            if started or body.failure is None:
                started = True
                await send(message)

        try:
            await self._app(scope, body, send_unless_failed)
        except Exception:
            if started or body.failure is None:
                raise
        if body.failure is not None and not started:
            await problem_response(body.failure)(scope, body, send)


class _DecodedBody:
    """A receive that decompresses. Both what comes in and what goes out is bounded; failure is kept once it is told."""

    def __init__(self, receive: Receive, encoding: str, max_bytes: int):
        self._receive = receive
        self._encoding = encoding
        self._max_bytes = max_bytes
        self._stream = zlib.decompressobj(_WINDOW_BITS[encoding])
        self._waiting = b""
        self._more_out = False
        self._more_in = True
        self._bytes_in = self._bytes_out = 0
        self._done = False
        self.failure: AppError | None = None

    async def __call__(self) -> Message:
        """The next piece of the body; after its end, whatever the server says."""
        if self.failure is not None:
            raise self.failure
        if self._done:
            return await self._receive()
        while True:
            if not self._waiting and not self._more_out and self._more_in:
                message = await self._receive()
                if message["type"] != "http.request":
                    return message
                self._waiting, self._more_in = message.get("body", b""), message.get("more_body", False)
                self._bytes_in += len(self._waiting)
            piece = self._next_piece()
            self._done = not (self._waiting or self._more_out or self._more_in)
            if self._done and self._bytes_in and not self._stream.eof:
                raise self._damaged("it ends too early")
            if piece or self._done:
                return {"type": "http.request", "body": piece, "more_body": not self._done}

    def _next_piece(self) -> bytes:
        if self._bytes_in > self._max_bytes:
            raise self._too_large()
        try:
            piece = self._stream.decompress(self._waiting, PIECE_BYTES)
        except zlib.error as error:
            raise self._damaged(str(error)) from None
        self._waiting = self._stream.unconsumed_tail
        # zlib may hold on to output although it has taken all input: a full piece means to ask again.
        self._more_out = len(piece) == PIECE_BYTES
        self._bytes_out += len(piece)
        if self._bytes_out > self._max_bytes:
            raise self._too_large()
        if self._stream.unused_data:
            raise self._damaged("there are bytes after its end")
        return piece

    def _damaged(self, how: str) -> AppError:
        self.failure = BadRequest(
            f"The body cannot be decompressed as {self._encoding}: {how}.",
            [Problem("$", f"is not whole as {self._encoding}: {how}.", "one complete compressed stream.")],
        )
        return self.failure

    def _too_large(self) -> AppError:
        self.failure = TooLarge(
            f"Decompressed, the body has more than {self._max_bytes} bytes. Send fewer statements at once, or raise "
            "MAX_BODY_BYTES."
        )
        return self.failure


def _without(scope: Scope, *names: bytes) -> Scope:
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name.lower() not in names]}


def install_encoding(app: FastAPI, max_body_bytes: int) -> None:
    """Take compressed bodies, and compress answers from 1 KiB for whoever accepts gzip (RFC 9110 12.5.3)."""
    app.add_middleware(RequestEncoding, max_body_bytes=max_body_bytes)
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=3)
