"""The short way for statements that there is nothing to say about.

Nearly every request at the doors for statements is one JSON body from a credential that was proven a moment ago, valid
and new. Such a request is answered here, before routing and middleware, by the very functions that the doors call. As
soon as anything is out of the ordinary (an unknown header that matters, a refusal, a store that is away) the request
goes the long way from its beginning, with the same body; everything runs twice without harm. So each rule and each
answer that tells of something stays in one place, and this is only faster.
"""

import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from starlette.datastructures import State
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.accounts.credentials import WRITE_STATEMENTS, KnownKey
from app.api.durable import make_durable
from app.api.xapi_consistency import Consistency
from app.api.xapi_version import ASSUMED_VERSION, full_version
from app.config import Settings
from app.lrs.receiving import receive_many, receive_one
from app.platform import metrics, telemetry
from app.platform.logs import get_logger
from app.security import CredentialCheck

log = get_logger(__name__)

_PLAIN, _STANDARD = "/api/xapi/statements", "/xapi/statements"
_UUID_LENGTH = 36
_OUT_OF_THE_ORDINARY = frozenset(
    {b"content-encoding", b"origin", b"expect", b"x-request-id", b"x-http-method-override"}
)


@dataclass(frozen=True, slots=True)
class _Request:
    """What the headers say. statement_id: of a PUT; None for a POST."""

    sender: KnownKey
    version: str
    statement_id: str | None
    standard: bool


class ShortWay:
    """An ASGI application that answers ordinary statements itself and leaves everything else to another one."""

    def __init__(self, otherwise: ASGIApp, state: State):
        self._otherwise = otherwise
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["path"] not in (_PLAIN, _STANDARD):
            await self._otherwise(scope, receive, send)
            return
        request = self._ordinary(scope)
        if request is None:
            await self._otherwise(scope, receive, send)
            return
        messages: list[Message] = []
        body = await self._body(receive, messages)
        request_id = secrets.token_hex(8)
        ids = None if body is None else await self._taken(request, body, request_id)
        if ids is None:
            await self._otherwise(scope, _again(messages, receive), send)
            return
        await self._answer(scope, send, request, ids, request_id)

    def _ordinary(self, scope: Scope) -> _Request | None:
        """What the headers say; None when the long way has to look at them."""
        if scope["method"] not in ("PUT", "POST") or scope.get("root_path"):
            return None
        authorization = content_type = version = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                authorization = value
            elif name == b"content-type":
                content_type = value
            elif name == b"x-experience-api-version":
                version = value
            elif name == b"content-length":
                if not value.isdigit() or int(value[:18]) > self._state.settings.max_body_bytes:
                    return None
            elif name in _OUT_OF_THE_ORDINARY:
                return None
        query: bytes = scope["query_string"]
        statement_id = None
        if scope["method"] == "PUT":
            name, _, value = query.partition(b"=")
            if name != b"statementId" or len(value) != _UUID_LENGTH:
                return None
            statement_id = value.decode("latin-1")
        elif query:
            return None
        return self._from_somebody_known(scope["path"] == _STANDARD, authorization, content_type, version, statement_id)

    def _from_somebody_known(
        self,
        standard: bool,
        authorization: bytes | None,
        content_type: bytes | None,
        version: bytes | None,
        statement_id: str | None,
    ) -> _Request | None:
        spoken = full_version(version.decode("latin-1")) if version else None if standard else ASSUMED_VERSION
        if spoken is None or authorization is None or content_type not in (b"application/json", None):
            return None
        if content_type is None and standard:
            return None
        check: CredentialCheck = self._state.credential_check
        sender = check.remembered(authorization.decode("latin-1"))
        if sender is None or not sender.may(WRITE_STATEMENTS):
            return None
        if standard:
            self._state.last_spoken[sender.id] = spoken
        return _Request(sender, spoken, statement_id, standard)

    async def _body(self, receive: Receive, messages: list[Message]) -> bytes | None:
        """The whole body, what came being kept in `messages`; None when it is too large or its sender has gone."""
        settings: Settings = self._state.settings
        size = 0
        while True:
            message = await receive()
            messages.append(message)
            if message["type"] != "http.request":
                return None
            size += len(message.get("body", b""))
            if size > settings.max_body_bytes:
                return None
            if not message.get("more_body", False):
                return message["body"] if len(messages) == 1 else b"".join(m.get("body", b"") for m in messages)

    async def _taken(self, request: _Request, body: bytes, request_id: str) -> tuple[UUID, ...] | None:
        """The ids of the statements, now durable; None when anything is to be said about them."""
        settings: Settings = self._state.settings
        try:
            if request.statement_id is not None:
                received = receive_one(body, request.statement_id, request.version)
            else:
                received = receive_many(body, request.version, settings.max_batch_statements)
            if received.ids:
                await make_durable(self._state, request.sender, request.version, received, request_id)
        except Exception:  # noqa: BLE001  (whatever it is, the long way tells it)
            return None
        return received.ids

    async def _answer(
        self, scope: Scope, send: Send, request: _Request, ids: tuple[UUID, ...], request_id: str
    ) -> None:
        headers = [(b"x-request-id", request_id.encode())]
        if request.standard:
            headers.append((b"x-experience-api-version", request.version.encode()))
            consistency: Consistency = self._state.consistency
            headers.append((b"x-experience-api-consistent-through", (await consistency.recently()).encode()))
        body = b""
        status = 204
        if request.statement_id is None:
            texts = [str(one) for one in ids]
            told: Any = texts if request.standard else {"queued": True, "ids": texts}
            status, body = 200, orjson.dumps(told)
            headers += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        metrics.accepted(request.standard, len(ids))
        telemetry.answered(scope["path"])
        log.debug("request", method=scope["method"], path=scope["path"], status=status)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _again(messages: list[Message], receive: Receive) -> Receive:
    """What was received already, first."""
    waiting = iter(messages)

    async def receive_again() -> Message:
        message = next(waiting, None)
        return message if message is not None else await receive()

    return receive_again
