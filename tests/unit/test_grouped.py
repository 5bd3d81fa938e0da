"""One call for many callers."""

import asyncio
from collections.abc import Sequence

import pytest

from app.platform.grouped import Grouped


class Counter:
    """Doubles numbers; odd things happen to some. Remembers what each call took."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.called, self.open = asyncio.Event(), asyncio.Event()
        self.open.set()

    async def run(self, items: Sequence[int]) -> list[int | Exception]:
        self.calls.append(list(items))
        self.called.set()
        await self.open.wait()
        if 13 in items:
            raise ValueError("thirteen")
        return [KeyError(item) if item == 7 else item * 2 for item in items]


def test_what_comes_at_once_goes_together_up_to_the_most() -> None:
    async def scenario() -> None:
        counter = Counter()
        grouped = Grouped(counter.run, most=4)
        assert await asyncio.gather(*(grouped.ask(n) for n in range(6))) == [0, 2, 4, 6, 8, 10]
        assert counter.calls == [[0, 1, 2, 3], [4, 5]]

    asyncio.run(scenario())


def test_what_comes_during_a_call_waits_for_the_next_one() -> None:
    async def scenario() -> None:
        counter = Counter()
        counter.open.clear()
        grouped = Grouped(counter.run, most=10)
        first = asyncio.create_task(grouped.ask(1))
        await counter.called.wait()
        later = [asyncio.create_task(grouped.ask(n)) for n in (2, 3)]
        await asyncio.sleep(0)
        counter.open.set()
        assert [await first, *await asyncio.gather(*later)] == [2, 4, 6]
        assert counter.calls == [[1], [2, 3]]
        assert await grouped.ask(4) == 8  # and it starts again after it was idle

    asyncio.run(scenario())


def test_an_error_is_everybodys_or_one_callers_own() -> None:
    async def scenario() -> None:
        grouped = Grouped(Counter().run, most=2)
        answers = await asyncio.gather(*(grouped.ask(n) for n in (1, 7, 13, 2)), return_exceptions=True)
        assert answers[0] == 2
        assert isinstance(answers[1], KeyError)
        assert [type(answer) for answer in answers[2:]] == [ValueError, ValueError]

    asyncio.run(scenario())


def test_who_goes_away_takes_nobody_along() -> None:
    async def scenario() -> None:
        counter = Counter()
        counter.open.clear()
        grouped = Grouped(counter.run, most=10)
        leaving, staying = (asyncio.create_task(grouped.ask(n)) for n in (1, 2))
        await counter.called.wait()
        leaving.cancel()
        counter.open.set()
        assert await staying == 4
        with pytest.raises(asyncio.CancelledError):
            await leaving

    asyncio.run(scenario())
