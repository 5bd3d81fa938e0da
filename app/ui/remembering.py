"""What is costly to count and hardly changes is kept for a while, per process."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from fastapi import FastAPI
from sqlalchemy.orm import Session

MAX_REMEMBERED = 200
_NAME = "remembered"

T = TypeVar("T")


class Memory:
    """Values by key, each for a number of seconds, MAX_REMEMBERED at most."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, seconds: float, make: Callable[[], T]) -> T:
        """What was made for this key at most so many seconds ago, else what is made now."""
        with self._lock:
            found = self._kept.get(key)
        if found is not None and found[0] > time.monotonic():
            return found[1]  # type: ignore[no-any-return]
        made = make()
        with self._lock:
            while len(self._kept) >= MAX_REMEMBERED:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = (time.monotonic() + seconds, made)
        return made


def remembering(app: FastAPI, db: Session) -> Session:
    """The session, with what this application remembers."""
    if not hasattr(app.state, _NAME):
        setattr(app.state, _NAME, Memory())
    db.info[_NAME] = getattr(app.state, _NAME)
    return db


def remembered(db: Session, key: Hashable, seconds: float, make: Callable[[], T]) -> T:
    """What the application of this session remembers, else what is made now."""
    memory: Memory | None = db.info.get(_NAME)
    return make() if memory is None else memory.get(key, seconds, make)
