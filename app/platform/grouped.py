"""One call for many callers: what is asked for while a call is under way goes out together with the next one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class Grouped(Generic[Item, Answer]):
    """Turns single requests for something into calls that take several (group commit, as databases have it).

    run: takes items in the order of asking, returns their answers in the same order; an exception that it raises is
    everybody's, an exception in the place of an answer that caller's own. most: how many items one call takes.
    One call is under way at a time, so answers come in the order of asking. For one event loop.
    """

    def __init__(self, run: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | Exception]]], most: int):
        self._run = run
        self._most = most
        self._waiting: list[tuple[Item, asyncio.Future[Answer]]] = []
        self._task: asyncio.Task[None] | None = None

    async def ask(self, item: Item) -> Answer:
        """The answer to this item. Raises what `run` raised, or put in the place of the answer."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._task is None:
            self._task = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                answers: Sequence[Answer | Exception]
                try:
                    answers = await self._run([item for item, _ in group])
                except Exception as error:  # noqa: BLE001  (each caller gets it)
                    answers = [error] * len(group)
                for (_, future), answer in zip(group, answers, strict=True):
                    if future.done():  # Whoever asked has gone; what was done for them is done.
                        continue
                    if isinstance(answer, Exception):
                        future.set_exception(answer)
                    else:
                        future.set_result(answer)
        finally:
            self._task = None
            for _, future in self._waiting:  # Only when the loop is shutting down.
                future.cancel()
            self._waiting = []
