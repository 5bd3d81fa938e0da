"""What happens now, as every page hears it: one reader, bounded listeners, an end for all."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event

from app.accounts.visibility import ADMIN, Viewer
from app.analytics.schemas_today import LatestActivity
from app.config import get_settings
from app.database import get_engine
from app.errors import Unavailable
from app.etl_streaming import LastProcessed, StreamState
from app.platform import clock
from app.ui import live, live_reader
from app.ui.live_reader import Event, Listener, Live
from app.ui.pulse import Pulse, judge
from tests.conftest import Doors
from tests.doors.people import account, visitor
from tests.doors.test_pages_overview import send
from tests.statements import completed

PULSE = Pulse(state="good", text="Live", title="All is well.")


def activity() -> LatestActivity:
    return LatestActivity(
        statement_id=uuid4(),
        learner_id=None,
        learner="Ann",
        did="completed",
        what="Lesson 1",
        lesson_id=None,
        lesson=None,
        completes_lesson=True,
        occurred_at=clock.now(),
        stored_at=clock.now(),
    )


async def heard(listener: Listener) -> list[Event]:
    found: list[Event] = []
    while (one := await listener.hear(0.01)) is not None:
        found.append(one)
    return found


def test_each_thing_is_heard_once_and_in_order() -> None:
    async def run() -> None:
        listener = Listener(ADMIN)
        old, new, newest = activity(), activity(), activity()
        listener.tell(PULSE, [new, old])
        assert await heard(listener) == [PULSE, old, new]
        listener.tell(PULSE, [newest, new, old])
        assert await heard(listener) == [newest]

    asyncio.run(run())


def test_who_is_slow_misses_the_oldest_and_fills_no_memory() -> None:
    async def run() -> None:
        listener = Listener(ADMIN)
        many = [activity() for _ in range(1_000)]
        for one in many:
            listener.tell(PULSE, [one])
        assert await heard(listener) == many[-live_reader.MAX_WAITING :]

    asyncio.run(run())


def test_the_stores_are_asked_only_while_somebody_listens(doors: Doors) -> None:
    async def run() -> None:
        reader = Live(get_settings())
        assert not reader.is_reading
        with reader.listening(ADMIN) as one, reader.listening(ADMIN) as other:
            assert isinstance(await one.hear(10), Pulse)
            assert isinstance(await other.hear(10), Pulse)
            assert reader.is_reading
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not reader.is_reading
        assert reader.listener_count == 0

    asyncio.run(run())


def test_many_listeners_cost_one_look(doors: Doors, drain: Callable[[], int]) -> None:
    send(doors, drain, completed())
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    async def run(count: int) -> int:
        asked.clear()
        reader = Live(get_settings())
        blocks = [reader.listening(ADMIN) for _ in range(count)]
        listeners = [block.__enter__() for block in blocks]
        for listener in listeners:
            assert isinstance(await listener.hear(10), Pulse)
            assert isinstance(await listener.hear(10), LatestActivity)
        looks = len(asked)
        for block in blocks:
            block.__exit__(None, None, None)
        return looks

    event.listen(get_engine(), "before_cursor_execute", note)
    try:
        assert asyncio.run(run(1)) == asyncio.run(run(20)) > 0
    finally:
        event.remove(get_engine(), "before_cursor_execute", note)


def test_who_may_see_nobody_hears_of_nobody(doors: Doors, drain: Callable[[], int]) -> None:
    send(doors, drain, completed())

    async def run() -> None:
        reader = Live(get_settings())
        with reader.listening(Viewer("stranger")) as stranger, reader.listening(ADMIN) as admin:
            assert isinstance(await admin.hear(10), Pulse)
            assert isinstance(await admin.hear(10), LatestActivity)
            assert [type(one) for one in await heard(stranger)] == [Pulse]

    asyncio.run(run())


def test_listeners_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_reader, "MAX_LISTENERS", 1)

    async def run() -> None:
        reader = Live(get_settings())
        with reader.listening(ADMIN), pytest.raises(Unavailable):
            reader.make_room()
        reader.make_room()

    asyncio.run(run())


class Stream:
    """An open stream of events, served in this process, read as a browser reads it."""

    def __init__(self, app: Any, headers: dict[str, str]):
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._gone = asyncio.Event()
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/ui/live",
            "raw_path": b"/ui/live",
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("testserver", 80),
        }
        self.task = asyncio.create_task(app(scope, self._receive, self._queue.put))
        self._asked = False

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def message(self) -> dict[str, Any]:
        return await asyncio.wait_for(self._queue.get(), 15)

    async def event(self, name: str) -> dict[str, Any]:
        """The data of the next event of this name."""
        while True:
            text = (await self.message()).get("body", b"").decode()
            if text.startswith(f"event: {name}\n"):
                return json.loads(text.split("data: ", 1)[1])  # type: ignore[no-any-return]

    def leave(self) -> None:
        self._gone.set()


def at_the_door(doors: Doors, run: Callable[[Any], Any]) -> None:
    """Run something on an application of its own, in a loop of its own."""

    async def whole() -> None:
        from app.main import create_app

        app = create_app()
        async with app.router.lifespan_context(app):
            await run(app)

    asyncio.run(whole())


def test_a_page_hears_the_pipeline_and_each_statement(doors: Doors, drain: Callable[[], int]) -> None:
    first, second = completed(), completed("ann@example.org", 2)
    send(doors, drain, first)

    async def run(app: Any) -> None:
        stream = Stream(app, doors.admin)
        start = await stream.message()
        assert (start["status"], dict(start["headers"])[b"content-type"]) == (200, b"text/event-stream; charset=utf-8")
        assert (await stream.event("pipeline"))["state"] == "good"
        assert (await stream.event("statement"))["statement_id"] == first["id"]
        await asyncio.to_thread(send, doors, drain, second)
        told = await stream.event("statement")
        assert (told["statement_id"], told["did"], told["what"]) == (second["id"], "completed", "Lesson 2")
        assert told["learner_path"].startswith("/ui/learners/")
        stream.leave()
        await asyncio.wait_for(stream.task, 15)
        assert app.state.live.listener_count == 0
        assert not app.state.live.is_reading

    at_the_door(doors, run)


def test_the_end_of_the_process_ends_every_stream(doors: Doors) -> None:
    async def run(app: Any) -> None:
        stream = Stream(app, doors.admin)
        await stream.event("pipeline")
        app.state.live.end()
        await asyncio.wait_for(stream.task, 15)
        late = Stream(app, doors.admin)
        assert (await late.message())["status"] == 503
        await late.task

    at_the_door(doors, run)


def test_a_session_that_has_ended_hears_no_more(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "STILL_IN_SECONDS", 0.1)
    person = visitor(doors.client, account(role="viewer"))
    headers = {"Cookie": f"7t_session={person.cookie}"}

    async def run(app: Any) -> None:
        stream = Stream(app, headers)
        await stream.event("pipeline")
        assert not stream.task.done()
        answer = await asyncio.to_thread(person.ask, "POST", "/ui/logout")
        assert answer.status_code == 303
        await asyncio.wait_for(stream.task, 15)

    at_the_door(doors, run)


def test_listening_keeps_no_session_alive(doors: Doors) -> None:
    from app.access.callers import session_limits
    from app.accounts import sessions
    from app.accounts.access_models import LoginSession
    from app.database import session_scope

    visitor(doors.client, account(role="viewer"))
    limits = session_limits(get_settings())
    with session_scope() as db:
        session = db.query(LoginSession).one()
        seen_at = session.last_seen_at
        with clock.set_now(seen_at + limits.idle - timedelta(seconds=1)):
            assert sessions.lasts(db, limits, session.id)
        with clock.set_now(seen_at + limits.idle):
            assert not sessions.lasts(db, limits, session.id)
        db.refresh(session)
        assert session.last_seen_at == seen_at
        assert not sessions.lasts(db, limits, uuid4())


def last(seconds: float) -> LastProcessed:
    now = clock.now()
    return LastProcessed(uuid4(), "completed", "Lesson 1", now, now, now + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("halted", "age", "letters", "newest", "told"),
    [
        (None, None, 0, last(0.2), ("good", "Live · 0.2 s")),
        (None, 1.0, 0, last(0.2), ("good", "Live · 0.2 s")),
        (None, 40.0, 0, last(0.2), ("slow", "Behind by 40 s")),
        (None, 121.0, 0, last(0.2), ("broken", "Behind by 2 min 1 s")),
        (None, None, 8, last(0.2), ("slow", "8 dead letters")),
        (None, None, 1, last(0.2), ("slow", "1 dead letter")),
        ("Too many die.", None, 0, last(0.2), ("broken", "The loader has stopped")),
        (None, None, 0, None, ("good", "Ready")),
    ],
)
def test_what_the_badge_says(
    halted: str | None, age: float | None, letters: int, newest: LastProcessed | None, told: tuple[str, str]
) -> None:
    now = clock.now()
    with clock.set_now(now):
        oldest = now - timedelta(seconds=age) if age else None
        found = judge(halted, StreamState(1 if age else 0, 0, oldest), letters, newest, 120)
    assert (found.state, found.text) == told
    assert found.title.endswith(".")
