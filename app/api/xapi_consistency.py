"""X-Experience-API-Consistent-Through on every reply of the Statement Resource (xAPI 1.0.3 Communication 2.1.3)."""

import time
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.database import session_scope
from app.platform.clock import iso
from app.platform.logs import get_logger
from app.publishing import Publisher
from app.warehouse import bronze

log = get_logger(__name__)

CONSISTENT_THROUGH = "X-Experience-API-Consistent-Through"
STATEMENTS_PATH = "/xapi/statements"
REFRESH_SECONDS = 0.25


class Consistency:
    """The moment up to which every statement can be read, for replies that read nothing: receipts, refusals.

    Found anew after a quarter of a second at most: what was true once stays true, so it only says less than could be
    said. While the stores are away it is the last one known.
    """

    def __init__(self, publisher: Publisher):
        self._publisher = publisher
        self._told = iso(datetime.fromtimestamp(0, UTC))
        self._asked_at = float("-inf")

    async def recently(self) -> str:
        """In RFC 3339, in UTC."""
        if time.monotonic() - self._asked_at >= REFRESH_SECONDS:
            self._asked_at = time.monotonic()
            through = await self._publisher.consistent_through()
            try:
                waiting_since = await run_in_threadpool(_waiting_since)
                self._told = iso(min(through, waiting_since or through))
            except SQLAlchemyError as error:
                log.warning("the record is away; Consistent-Through stays where it was", error=str(error)[:300])
        return self._told


class ConsistentThrough:
    """Middleware: names that moment on every reply of the Statement Resource where the door has not done so itself."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or scope["path"] != STATEMENTS_PATH:
            await self._app(scope, receive, send)
            return

        async def send_with_moment(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if CONSISTENT_THROUGH not in headers:
                    consistency: Consistency = scope["app"].state.consistency
                    headers[CONSISTENT_THROUGH] = await consistency.recently()
            await send(message)

        await self._app(scope, receive, send_with_moment)


def _waiting_since() -> datetime | None:
    with session_scope() as db:
        return bronze.waiting_since(db)
