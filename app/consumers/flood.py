"""The flood stop: when most entries die, the loader stops and calls for somebody, rather than bury all that is sent.

An entry dies when it cannot be read, when more than half of its statements are buried, or when the database refuses
it alone and it goes to the retries. A conflict is a death too: its sender was told 2xx, the door refuses those that are
the sender's own doing, and a mistake of ours in making or comparing ids would look just so. Not looked at are entries
that the door had refused (they are buried because their sender was wrong) and repeats (they would hide that what is new
dies). The window belongs to one worker, the stop to all: it is a key in Redis that outlives them.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy.orm import Session

from app import audit
from app.config import Settings
from app.ingest.dead_letters import watched
from app.platform.logs import get_logger
from app.streaming import RefusedEntry, StatementStream, halt, halt_and_resumes, resume, why_halted

log = get_logger(__name__)

FEWEST_ENTRIES = 20
"""So few entries are no flood, whatever became of them."""

_DOOR = "door"


class Halted(Exception):
    """The loader stands still; what it has in hand stays on the stream."""


class TooManyDie(Exception):
    """More entries of one batch die than may before somebody looks; nothing of the batch was taken in."""


class Window:
    """What became of the last entries. most_share: of them may die. entries: how many are looked at."""

    def __init__(self, most_share: float, entries: int):
        self._most_share = most_share
        self._fewest = min(FEWEST_ENTRIES, entries)
        self._died: deque[bool] = deque(maxlen=entries)
        self._most_deaths = int(most_share * entries)

    def note(self, died: int, lived: int) -> None:
        """Another batch came to so many dead and so many living; in which order is not known, so they alternate."""
        together = died + lived
        self._died.extend((n + 1) * died // together > n * died // together for n in range(together))

    @property
    def seen(self) -> int:
        """How many entries are looked at now."""
        return len(self._died)

    @property
    def deaths(self) -> int:
        """How many of these died."""
        return sum(self._died)

    @property
    def room(self) -> int:
        """How many more may die in one transaction, at least 1: as many as would make a full window a flood."""
        return max(1, self._most_deaths + 1 - self.deaths)

    @property
    def is_flood(self) -> bool:
        """Whether more than the share died, of enough entries to say so."""
        return self.seen >= self._fewest and self.deaths > self._most_share * self.seen

    def clear(self) -> None:
        """Begin anew."""
        self._died.clear()


class Toll:
    """What one batch costs while it is loaded. most: entries that may die in it; a single entry always may."""

    def __init__(self, messages: Sequence[tuple[str, Mapping[bytes, bytes]]], most: int):
        self._messages = messages
        self._most = most
        self._unread = 0
        self._deaths: Counter[int] = Counter()
        self._dead: set[int] = set()
        self._places: dict[bytes, list[int]] | None = None

    def __call__(self, source: str, statement_id: UUID | None) -> None:
        """One more body is about to be buried. Raises TooManyDie, and then it is not."""
        if source == _DOOR:
            return
        place = self._place_of(statement_id) if statement_id is not None else None
        if place is None:
            self._unread += 1
        else:
            self._deaths[place] += 1
            if self._deaths[place] * 2 * 16 > len(self._messages[place][1].get(b"ids", b"")):
                self._dead.add(place)
        if len(self._messages) > 1 and self.dead > self._most:
            raise TooManyDie(f"More than {self._most} of {len(self._messages)} entries die.")

    @property
    def dead(self) -> int:
        """How many entries died."""
        return self._unread + len(self._dead)

    def lived(self, new_statements: int) -> int:
        """How many entries brought something new and live, at most; exact where each holds one statement."""
        refused = sum(fields.get(b"format") == RefusedEntry.FORM for _, fields in self._messages)
        return max(0, min(len(self._messages) - refused - self.dead, new_statements))

    def _place_of(self, statement_id: UUID) -> int | None:
        """Which entry of the batch holds the statement; of several with one id, the last one not asked for yet."""
        if self._places is None:
            self._places = {}
            for place, (_, fields) in enumerate(self._messages):
                ids = fields.get(b"ids", b"")
                for at in range(0, len(ids) - 15, 16):
                    self._places.setdefault(ids[at : at + 16], []).append(place)
        places = self._places.get(statement_id.bytes)
        if not places:
            return None
        return places.pop() if len(places) > 1 else places[0]


class Flood:
    """The flood stop of one consumer."""

    def __init__(self, stream: StatementStream, settings: Settings):
        self._stream = stream
        self._window = Window(settings.loader_max_buried_share, settings.loader_flood_window_entries)
        self._reason: str | None = None
        """Why this consumer stopped, until it has seen that it was let go on."""
        self._resumes: int | None = None
        self._said = False

    def stopped(self) -> bool:
        """Whether the loader stands still, by its own doing or another's. To be asked before each batch."""
        halted, resumes = halt_and_resumes(self._stream)
        if resumes != self._resumes:
            self._window.clear()
            self._resumes, self._reason = resumes, None
        if self._reason is not None and not halted:
            # Redis was away when it was to be written, or has lost it.
            halt(self._stream, self._reason)
            halted = True
        if halted and not self._said:
            log.error("the loader stands still", reason=why_halted(self._stream), resume="python -m app loader resume")
        elif self._said and not halted:
            log.info("the loader goes on")
        self._said = halted
        return halted

    @contextmanager
    def watching(self, messages: Sequence[tuple[str, Mapping[bytes, bytes]]]) -> Iterator[Toll]:
        """Count what dies of these entries while they are loaded. Raises Halted when this consumer has stopped."""
        if self._reason is not None:
            raise Halted(self._reason)
        toll = Toll(messages, self._window.room)
        with watched(toll):
            yield toll

    def note(self, died: int, lived: int = 0) -> None:
        """So many entries died, so many live; stops the loader when that is a flood."""
        self._window.note(died, lived)
        if died and self._reason is None and self._window.is_flood:
            self._reason = (
                f"{self._window.deaths} of the last {self._window.seen} entries could not be loaded. Nothing is lost: "
                "what comes waits on the stream. Look at the newest dead letters and at the worker's log, mend the "
                "cause, then run `python -m app loader resume`."
            )
            halt(self._stream, self._reason)


def resume_loader(db: Session, stream: StatementStream, actor: str) -> bool:
    """Let the loaders go on and write down who did it. False, and nothing is written, when nothing had stopped them."""
    reason = why_halted(stream)
    if reason is None:
        return False
    audit.note(db, actor, "loader.resume", f"stream:{stream.name}", {"reason": reason})
    db.flush()
    return resume(stream)
