"""Queries that are stopped when nobody waits for them any more."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from app.warehouse.readonly import Asking

LOOKED_AFTER_SECONDS = 0.5
T = TypeVar("T")


async def while_somebody_waits(request: Request, work: Callable[[Asking], T]) -> T:
    """What `work` gives, done in a thread. Its query is cancelled when the client goes away in the meantime."""
    asking = Asking()
    task = asyncio.ensure_future(run_in_threadpool(work, asking))
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=LOOKED_AFTER_SECONDS)
            if not task.done() and asking.why is None and await request.is_disconnected():
                await run_in_threadpool(asking.stop, "left")
    except asyncio.CancelledError:
        await run_in_threadpool(asking.stop, "left")
        raise
    return task.result()
