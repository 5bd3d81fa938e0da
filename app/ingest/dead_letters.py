"""The life of a dead letter: bury, close, and open again when the same bytes come back.

Bury keeps what cannot be stored, with the reason and the bytes. An exact repeat is counted, not stored twice.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from hashlib import sha256
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.errors import Conflict, NotFound, Problem
from app.ingest.models import DeadLetter
from app.platform import clock
from app.platform.ids import stable_id

Watcher = Callable[[str, UUID | None], None]
_watcher: ContextVar[Watcher | None] = ContextVar("watcher of burials", default=None)


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Tell the watcher of each burial in this block, before it is written: its source, and which statement it is.

    What the watcher raises keeps the body out of the quarantine, and the unit of work from being committed.
    """
    before = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(before)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is to be buried. source: who turned it away: door, stream, loader, sweep. body: the bytes as they came.

    xapi_version: under which it was sent. statement_ids: what its sender was told are the ids of its statements, in
    the order of the body.
    """

    source: str
    code: str
    reason: str
    body: bytes
    problems: Sequence[Problem] = ()
    content_type: str | None = None
    credential_id: str | None = None
    request_id: str | None = None
    statement_id: UUID | None = None
    attempts: int = 0
    xapi_version: str | None = None
    statement_ids: Sequence[UUID] | None = None

    @property
    def id(self) -> UUID:
        """The id that every exact repeat of it has."""
        return letter_id_of(self.source, self.code, self.body)


def bury_all(db: Session, letters: Sequence[Letter]) -> None:
    """Bury several, in the order of their ids: two loaders with the same ones wait for each other in one order only."""
    for letter in sorted(letters, key=lambda letter: letter.id.bytes):
        bury(db, letter)


def bury(db: Session, letter: Letter) -> UUID:
    """Keep one body in quarantine and return the dead letter's id, the same for every exact repeat.

    A repeat raises the count, moves last_seen_at, and opens the letter again if somebody had closed it.
    """
    if (watcher := _watcher.get()) is not None:
        watcher(letter.source, letter.statement_id)
    letter_id = letter.id
    now = clock.now()
    problems = letter.problems
    row = insert(DeadLetter).values(
        id=letter_id,
        source=letter.source,
        code=letter.code,
        reason=_storable(letter.reason),
        path=_storable(problems[0].path) if problems else None,
        problems=[{key: _storable(text) for key, text in asdict(problem).items()} for problem in problems],
        body=letter.body,
        content_type=_storable(letter.content_type[:200]) if letter.content_type else None,
        credential_id=_storable(letter.credential_id) if letter.credential_id else None,
        request_id=_storable(letter.request_id) if letter.request_id else None,
        statement_id=letter.statement_id,
        attempts=letter.attempts,
        first_seen_at=now,
        last_seen_at=now,
        xapi_version=_storable(letter.xapi_version) if letter.xapi_version else None,
        statement_ids=list(letter.statement_ids) if letter.statement_ids else None,
    )
    db.execute(
        row.on_conflict_do_update(
            index_elements=[DeadLetter.id],
            set_={
                "seen_count": DeadLetter.seen_count + 1,
                "attempts": func.greatest(DeadLetter.attempts, row.excluded.attempts),
                "last_seen_at": row.excluded.last_seen_at,
                "request_id": row.excluded.request_id,
                "xapi_version": func.coalesce(row.excluded.xapi_version, DeadLetter.xapi_version),
                "statement_ids": func.coalesce(row.excluded.statement_ids, DeadLetter.statement_ids),
                "status": "open",
                "resolved_at": None,
                "resolved_by": None,
                "resolution": None,
            },
        )
    )
    return letter_id


def letter_id_of(source: str, code: str, body: bytes) -> UUID:
    """The id under which this body, turned away here for this reason, is kept."""
    return stable_id("dead_letter", f"{source}\x00{code}\x00{sha256(body).hexdigest()}")


def open_letters(db: Session) -> int:
    """How many distinct dead letters wait for somebody."""
    return db.scalar(select(func.count()).select_from(DeadLetter).where(DeadLetter.status == "open")) or 0


def note_replayed(
    db: Session, letter: DeadLetter, statement_ids: Sequence[UUID], actor: str, detail: Mapping[str, object]
) -> str | None:
    """What the letter held is durable now: close it, and write down who did it. Returns the status it has after that.

    letter: as it was read before the replay. If the same bytes were buried once more since then, that was either
    another sender's try or this very replay failing behind the door, so the letter stays open for it.
    """
    closed = db.execute(
        update(DeadLetter)
        .where(
            DeadLetter.id == letter.id, DeadLetter.status == letter.status, DeadLetter.seen_count == letter.seen_count
        )
        .values(
            status="replayed",
            attempts=DeadLetter.attempts + 1,
            resolved_at=clock.now(),
            resolved_by=actor,
            resolution=None,
            statement_ids=list(statement_ids),
        )
        .returning(DeadLetter.status)
    ).first()
    audit.note(db, actor, "dead_letter.replay", target_of(letter.id), {"outcome": "replayed", **detail})
    return "replayed" if closed else db.execute(select(DeadLetter.status).filter_by(id=letter.id)).scalar_one_or_none()


def note_refused(db: Session, letter_id: UUID, actor: str, detail: Mapping[str, object]) -> None:
    """A replay was refused: the letter stays as it is, one try more."""
    db.execute(update(DeadLetter).where(DeadLetter.id == letter_id).values(attempts=DeadLetter.attempts + 1))
    audit.note(db, actor, "dead_letter.replay", target_of(letter_id), {"outcome": "refused", **detail})


def discard(db: Session, letter_id: UUID, reason: str, actor: str) -> None:
    """Give an open letter up, for a reason that is kept with it. Discarding it again changes nothing.

    The bytes stay; a repeat that arrives later opens the letter again. NotFound when there is no such letter, Conflict
    when it was replayed.
    """
    closed = db.execute(
        update(DeadLetter)
        .where(DeadLetter.id == letter_id, DeadLetter.status == "open")
        .values(status="discarded", resolved_at=clock.now(), resolved_by=actor, resolution=_storable(reason))
        .returning(DeadLetter.id)
    ).first()
    if closed:
        audit.note(db, actor, "dead_letter.discard", target_of(letter_id), {"reason": _storable(reason)})
        return
    status = db.execute(select(DeadLetter.status).filter_by(id=letter_id)).scalar_one_or_none()
    if status is None:
        raise no_such_letter(letter_id)
    if status == "replayed":
        raise Conflict(
            f"The dead letter {letter_id} was replayed, so there is nothing to discard.",
            [Problem("/letter_id", "names a letter that was replayed.", "The id of an open letter.")],
        )


def target_of(letter_id: UUID) -> str:
    """How the audit log names a dead letter."""
    return f"dead_letter:{letter_id}"


def no_such_letter(letter_id: object) -> NotFound:
    """What is raised for an id that no dead letter has."""
    return NotFound(f"There is no dead letter {letter_id}.")


def _storable(text: str) -> str:
    """Text that PostgreSQL can hold: NUL characters and lone surrogates, which it refuses, become U+FFFD."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
