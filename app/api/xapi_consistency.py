"""X-Experience-API-Consistent-Through on every reply of the Statement Resource (xAPI 1.0.3 Communication 2.1.3)."""

import time
from datetime import UTC, datetime

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.database import session_scope
from app.platform.clock import iso
from app.platform.logs import get_logger
from app.streaming import Publisher
from app.warehouse import bronze

log = get_logger(__name__)

CONSISTENT_THROUGH = "X-Experience-API-Consistent-Through"
STATEMENTS_PATH = "/xapi/statements"
REFRESH_SECONDS = 0.25


class ConsistentThrough:
    """Middleware: names the moment up to which every statement can be read, where the door has not done so itself.

    Replies that read nothing (a receipt, a refusal) get a moment found within the last quarter of a second: what was
    true once stays true, so it only says less than could be said. While the stores are away it is the last one known.
    """

    def __init__(self, app: ASGIApp):
        self._app = app
        self._told = datetime.fromtimestamp(0, UTC)
        self._asked_at = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["path"] != STATEMENTS_PATH:
            await self._app(scope, receive, send)
            return

        async def send_with_moment(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if CONSISTENT_THROUGH not in headers:
                    headers[CONSISTENT_THROUGH] = iso(await self._moment(scope["app"]))
            await send(message)

        await self._app(scope, receive, send_with_moment)

    async def _moment(self, app: FastAPI) -> datetime:
        if time.monotonic() - self._asked_at >= REFRESH_SECONDS:
            self._asked_at = time.monotonic()
            publisher: Publisher = app.state.publisher
            through = await publisher.consistent_through()
            try:
                waiting_since = await run_in_threadpool(_waiting_since)
                self._told = min(through, waiting_since or through)
            except SQLAlchemyError as error:
                log.warning("the record is away; Consistent-Through stays where it was", error=str(error)[:300])
        return self._told


def _waiting_since() -> datetime | None:
    with session_scope() as db:
        return bronze.waiting_since(db)
