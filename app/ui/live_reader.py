"""What happens now, read once per process and told to all who listen.

The stores are asked at most once in LOOK_SECONDS, and only while somebody listens.
"""

import asyncio
import signal
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Any
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from app.accounts.visibility import Viewer
from app.analytics.schemas_today import LatestActivity
from app.analytics.today import latest_activity
from app.config import Settings
from app.database import session_scope
from app.errors import Unavailable
from app.platform.logs import get_logger
from app.ui.pulse import Pulse, pulse_now

log = get_logger(__name__)

LOOK_SECONDS = 1.0
MAX_LISTENERS = 200
MAX_WAITING = 50
"""So many events wait for one listener; who is slower misses the oldest."""
TOLD_AT_ONCE = 12
MAX_REMEMBERED = 200

Event = Pulse | LatestActivity
Seen = tuple[Pulse, dict[Viewer, list[LatestActivity]]]


class Listener:
    """Somebody who hears each thing once. ended: this process is ending."""

    def __init__(self, viewer: Viewer):
        self.viewer = viewer
        self._waiting: asyncio.Queue[Event | None] = asyncio.Queue(MAX_WAITING)
        self._told: OrderedDict[UUID, None] = OrderedDict()
        self._pulse: Pulse | None = None
        self.ended = False

    def tell(self, pulse: Pulse, latest: list[LatestActivity]) -> None:
        """Let them hear what they have not heard yet, the oldest first."""
        if pulse != self._pulse:
            self._pulse = pulse
            self._put(pulse)
        for one in reversed(latest):
            if one.statement_id not in self._told:
                self._told[one.statement_id] = None
                self._put(one)
        while len(self._told) > MAX_REMEMBERED:
            self._told.popitem(last=False)

    def end(self) -> None:
        """Nothing follows."""
        self.ended = True
        self._put(None)

    async def hear(self, patience_seconds: float) -> Event | None:
        """The next event; None when there was none in this time, and at the end."""
        try:
            async with asyncio.timeout(patience_seconds):
                return await self._waiting.get()
        except TimeoutError:
            return None

    def _put(self, event: Event | None) -> None:
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(event)


class Live:
    """The one reader of this process. Belongs to the event loop that it is used in."""

    def __init__(self, settings: Settings):
        self._settings = settings
        self._listeners: set[Listener] = set()
        self._reading: asyncio.Task[None] | None = None
        self._ended = False
        self._server: Any = None

    @property
    def listener_count(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    @property
    def is_reading(self) -> bool:
        """Whether the stores are being looked at."""
        return self._reading is not None and not self._reading.done()

    @contextmanager
    def listening(self, viewer: Viewer) -> Iterator[Listener]:
        """Listen for the length of the block. Unavailable when too many do, or when this process is ending."""
        self.make_room()
        listener = Listener(viewer)
        self._listeners.add(listener)
        if not self.is_reading:
            self._reading = asyncio.create_task(self._read())
        try:
            yield listener
        finally:
            self._listeners.discard(listener)
            if not self._listeners and self._reading is not None:
                self._reading.cancel()

    def make_room(self) -> None:
        """Unavailable unless one more may listen."""
        if self._ended or len(self._listeners) >= MAX_LISTENERS:
            raise Unavailable(
                f"{MAX_LISTENERS} pages listen already; this one shows what is new when it is reloaded.", 30
            )

    def end(self) -> None:
        """Let go of everybody: open streams would keep this process from ending."""
        self._ended = True
        for listener in self._listeners:
            listener.end()

    async def _read(self) -> None:
        self._server = self._server or _server_of_this_loop()
        while self._listeners and not self._ended:
            if getattr(self._server, "should_exit", False):
                self.end()
                return
            try:
                pulse, latest = await run_in_threadpool(self._look, {one.viewer for one in self._listeners})
            except Exception as error:  # noqa: BLE001  (one look that fails must not silence all pages)
                log.warning("cannot look at what happens now", error=f"{type(error).__name__}: {error}"[:300])
            else:
                for listener in self._listeners:
                    listener.tell(pulse, latest.get(listener.viewer, []))
            await asyncio.sleep(LOOK_SECONDS)

    def _look(self, viewers: Collection[Viewer]) -> Seen:
        pulse = pulse_now(self._settings)
        try:
            with session_scope() as db:
                return pulse, {viewer: latest_activity(db, viewer, TOLD_AT_ONCE) for viewer in viewers}
        except SQLAlchemyError:
            return pulse, {}


@asynccontextmanager
async def live_pages(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    """Have a reader in app.state.live; it lets everybody go as soon as the process is told to end.

    The server waits for open connections before it tells the application, so the signal itself has to be heard.
    """
    live = app.state.live = Live(settings)
    loop = asyncio.get_running_loop()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGINT):
            _hear(number, loop, live)
    try:
        yield
    finally:
        live.end()


def _server_of_this_loop() -> object | None:
    """The uvicorn server of this loop, for where it runs in a thread that hears no signals; None if there is none.

    It has no public way to be asked for, so it is looked for among what the tasks of the loop are the work of.
    """
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        owner = frame.f_locals.get("self") if frame is not None else None
        if hasattr(owner, "should_exit") and hasattr(owner, "handle_exit"):
            return owner
    return None


def _hear(number: signal.Signals, loop: asyncio.AbstractEventLoop, live: Live) -> None:
    """Before whoever handles the signal now, let the listeners go."""
    before = signal.getsignal(number)
    if not callable(before):
        return

    def heard(signal_number: int, frame: FrameType | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(live.end)
        before(signal_number, frame)

    signal.signal(number, heard)
