"""The stream of events that pages listen to (server-sent events, HTML Living Standard 9.2)."""

import time
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from app.access.callers import Caller, bearer_of, needs, session_limits
from app.accounts import sessions
from app.analytics.schemas_today import LatestActivity
from app.config import Settings
from app.database import session_scope
from app.platform import clock
from app.ui.live_reader import Event, Live
from app.ui.pages import zone_of
from app.ui.pulse import Pulse
from app.ui.viewing import viewer_of

router = APIRouter(tags=["Pages"], include_in_schema=False)

SCOPE, BADGE_SCOPE, LEARNERS_SCOPE = "reports:read", "pipeline:read", "learners:read"
HEARTBEAT_SECONDS = 15.0
STILL_IN_SECONDS = 10.0
"""How often it is looked up whether the listener may still listen; so long may one whose session ended go on."""
RECONNECT_MS = 3_000
_EVENTS: dict[int | str, dict[str, Any]] = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}


@router.get("/ui/live", response_class=Response, responses=_EVENTS)
async def get_live(request: Request, caller: Annotated[Caller, needs(SCOPE)]) -> Response:
    """Events as they happen: `pipeline` when its state changes, `statement` for each new activity of a learner."""
    live: Live = request.app.state.live
    live.make_room()
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_told(request, live, caller), media_type="text/event-stream", headers=headers)


async def _told(request: Request, live: Live, caller: Caller) -> AsyncIterator[bytes]:
    zone = zone_of(request)
    checked = spoken = time.monotonic()
    with live.listening(viewer_of(request)) as listener:
        yield b"retry: %d\n\n" % RECONNECT_MS
        while not listener.ended:
            event = await listener.hear(min(HEARTBEAT_SECONDS, STILL_IN_SECONDS) / 2)
            now = time.monotonic()
            if now - checked >= STILL_IN_SECONDS:
                if not await _still_in(request):
                    return
                checked = now
            if event is not None and (text := _as_text(event, caller, zone)):
                spoken = now
                yield text
            elif now - spoken >= HEARTBEAT_SECONDS:
                spoken = now
                yield b": still here\n\n"


async def _still_in(request: Request) -> bool:
    """Whether who began to listen would be let in now. Listening keeps no session from ending by itself."""
    caller: Caller = request.state.caller
    if caller.session_id is None:
        found = await bearer_of(request)
        return found is not None and found.may(SCOPE)
    return await run_in_threadpool(_lasts, caller.session_id, request.app.state.settings)


def _lasts(session_id: UUID, settings: Settings) -> bool:
    with session_scope() as db:
        return sessions.lasts(db, session_limits(settings), session_id)


def _as_text(event: Event, caller: Caller, zone: ZoneInfo) -> bytes:
    """An event as it is sent; empty when it is not for this caller. JSON has no line breaks of its own."""
    if isinstance(event, Pulse):
        return _event("pipeline", event.model_dump()) if caller.may(BADGE_SCOPE) else b""
    return _event("statement", _activity(event, caller, zone))


def _activity(one: LatestActivity, caller: Caller, zone: ZoneInfo) -> dict[str, Any]:
    path = f"/ui/learners/{one.learner_id}" if one.learner_id and caller.may(LEARNERS_SCOPE) else None
    local, today = one.occurred_at.astimezone(zone), clock.now().astimezone(zone).date()
    when = f"{local:%H:%M}" if local.date() == today else f"{local.day} {local:%b %Y, %H:%M}"
    return {**one.model_dump(mode="json"), "learner_path": path, "when": when}


def _event(name: str, data: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), orjson.dumps(data))
