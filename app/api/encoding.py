"""Bodies on the wire: none longer than allowed, whoever reads it; compressed ones (RFC 9110 8.4) in and out."""

import zlib

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem_response
from app.api.requests import declared_length, too_large
from app.errors import AppError, Problem, TooLarge

PIECE_BYTES = 64 * 1024
"""The most that one step of decompression yields."""

_WINDOW_BITS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_UNDERSTOOD = "gzip, deflate, identity"


class UnknownEncoding(AppError):
    """The body is encoded in a way that is not understood here (RFC 9110 15.5.16)."""

    status = 415
    code = "unknown_encoding"
    title = "This Content-Encoding is not understood"


class Damaged(AppError):
    """A compressed body that cannot be decompressed to its end. `encoded`: all of it, as it came."""

    status = 400
    code = "damaged_encoding"
    title = "The body cannot be decompressed"

    def __init__(self, encoding: str, how: str, encoded: bytes):
        problem = Problem("$", f"is not whole as {encoding}: {how}.", "one complete compressed stream.")
        super().__init__(f"The body cannot be decompressed as {encoding}: {how}.", [problem])
        self.encoded = encoded


class RequestEncoding:
    """Middleware: hands request bodies on piece by piece, decompressed, max_body_bytes at most.

    RFC 9110 8.4 (Content-Encoding) and 15.5.14, 15.5.16 (413, 415). What is not asked for is neither read nor
    decompressed, so that a stranger whose headers suffice to send him away costs nothing.
    """

    def __init__(self, app: ASGIApp, max_body_bytes: int):
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        encoding = ", ".join(headers.getlist("content-encoding")).strip().lower()
        most = self._max_body_bytes
        if encoding in ("identity", ""):
            plain = _PlainBody(receive, declared_length(headers), most)
            await self._bounded(_without(scope, b"content-encoding") if encoding else scope, receive, plain, send)
        elif encoding in _WINDOW_BITS:
            decoded = _DecodedBody(receive, encoding, most)
            await self._bounded(_without(scope, b"content-encoding", b"content-length"), receive, decoded, send)
        else:
            problem = Problem("Content-Encoding", f"is {encoding[:80]!r}.", f"one of {_UNDERSTOOD}.")
            answer = problem_response(UnknownEncoding("The body's Content-Encoding is not understood.", [problem]))
            answer.headers["Accept-Encoding"] = _UNDERSTOOD
            await answer(scope, receive, send)

    async def _bounded(self, scope: Scope, receive: Receive, body: "_PlainBody | _DecodedBody", send: Send) -> None:
        """Whatever the application makes of a body that failed, the sender is told how it failed."""
        started = False
        state = scope.setdefault("state", {})

        async def next_piece() -> Message:
            # Who answers already only waits for the sender to leave; what still comes is nobody's body.
            return await (receive if started else body)()

        async def send_unless_failed(message: Message) -> None:
            nonlocal started
            if started or body.failure is None:
                started = True
                await send(message)

        try:
            await self._app(scope, next_piece, send_unless_failed)
        except Exception:
            if started or body.failure is None:
                raise
        if body.failure is not None and not started:
            await problem_response(body.failure, kept=state.get("kept"))(scope, receive, send)


class _PlainBody:
    """A receive that stops at the limit; failure is kept once it is told.

    The framework reads some bodies whole before it asks who sends them, so that a limit at the doors is not enough.
    """

    def __init__(self, receive: Receive, declared: int, max_bytes: int):
        self._receive = receive
        self._declared = declared
        self._max_bytes = max_bytes
        self._bytes_in = 0
        self.failure: AppError | None = None

    async def __call__(self) -> Message:
        """The next piece of the body; nothing is read of one whose headers say that it is too long."""
        if self.failure is not None:
            raise self.failure
        if self._declared <= self._max_bytes:
            message = await self._receive()
            self._bytes_in += len(message.get("body", b""))
            if self._bytes_in <= self._max_bytes:
                return message
        self.failure = too_large(self._max_bytes)
        raise self.failure


class _DecodedBody:
    """A receive that decompresses. Both what comes in and what goes out is bounded; failure is kept once it is told."""

    def __init__(self, receive: Receive, encoding: str, max_bytes: int):
        self._receive = receive
        self._encoding = encoding
        self._max_bytes = max_bytes
        self._stream = zlib.decompressobj(_WINDOW_BITS[encoding])
        self._encoded: list[bytes] = []
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
                message = await self._read()
                if message["type"] != "http.request":
                    return message
                self._waiting = message.get("body", b"")
            try:
                piece = self._next_piece()
            except zlib.error as error:
                raise await self._damaged(str(error)) from None
            self._done = not (self._waiting or self._more_out or self._more_in)
            if self._done and self._bytes_in and not self._stream.eof:
                raise await self._damaged("it ends too early")
            if piece or self._done:
                return {"type": "http.request", "body": piece, "more_body": not self._done}

    async def _read(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._more_in = message.get("more_body", False)
            self._encoded.append(message.get("body", b""))
            self._bytes_in += len(self._encoded[-1])
            if self._bytes_in > self._max_bytes:
                raise self._too_large()
        return message

    def _next_piece(self) -> bytes:
        piece = self._stream.decompress(self._waiting, PIECE_BYTES)
        self._waiting = self._stream.unconsumed_tail
        # zlib may hold on to output although it has taken all input: a full piece means to ask again.
        self._more_out = len(piece) == PIECE_BYTES
        self._bytes_out += len(piece)
        if self._bytes_out > self._max_bytes:
            raise self._too_large()
        if self._stream.unused_data:
            raise zlib.error("there are bytes after its end")
        return piece

    async def _damaged(self, how: str) -> AppError:
        """The rest is read as well: a sender's bytes are kept whole, also those that nobody can read."""
        while self._more_in and (await self._read())["type"] == "http.request":
            pass
        self.failure = Damaged(self._encoding, how, b"".join(self._encoded))
        return self.failure

    def _too_large(self) -> TooLarge:
        self.failure = too_large(self._max_bytes, "Decompressed, the")
        return self.failure


def _without(scope: Scope, *names: bytes) -> Scope:
    return {**scope, "headers": [(name, value) for name, value in scope["headers"] if name.lower() not in names]}


def install_encoding(app: FastAPI, max_body_bytes: int) -> None:
    """Take compressed bodies, and compress answers from 1 KiB for whoever accepts gzip (RFC 9110 12.5.3)."""
    app.add_middleware(RequestEncoding, max_body_bytes=max_body_bytes)
    app.add_middleware(GZipMiddleware, minimum_size=1024, compresslevel=3)
