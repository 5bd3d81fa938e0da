"""Replay: what a dead letter holds goes in again through the door it came by, on the authority of who sent it.

The admin who replays vouches for the statements, so the credential they came under is named as their authority even
if it has been revoked since: it is still true that its holder sent them. What is replayed is durable before anybody is
told so. A replay that is cut short and done again stores nothing twice.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.accounts.credentials import ALL, KnownKey
from app.accounts.models import Credential
from app.database import is_passing, session_scope
from app.errors import AppError, Conflict, NotFound, Problem, Unavailable
from app.ingest.dead_letters import no_such_letter, note_refused, note_replayed
from app.ingest.mending import Fix, glance, receive, text_and_parts, version_of
from app.ingest.models import DeadLetter
from app.ingest.queries import Mark, find, read_mark
from app.ingest.schemas import REPLAYED_AT_ONCE_LETTERS, LetterFilter, Outcome, ReplayRead, ReplayRequest, VerdictRead
from app.lrs.receiving import Received
from app.lrs.statements import Refused, split
from app.models import StatementRaw
from app.platform import clock
from app.platform.logs import get_logger
from app.schemas import ProblemRead
from app.warehouse import bronze

log = get_logger(__name__)

UNCHANGED = Fix()

Take = Callable[[KnownKey, str, Received, str], Awaitable[None]]
"""Make statements durable as the doors do: for whom, under which edition, what, in which request."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one letter, see schemas.VerdictRead. error: why it was refused, with the problems by path."""

    id: UUID
    outcome: Outcome
    status: str | None
    statement_ids: tuple[UUID, ...] = ()
    detail: str = ""
    error: AppError | None = None

    def read(self) -> VerdictRead:
        """As it is told."""
        return VerdictRead.model_validate(
            {
                "id": self.id,
                "outcome": self.outcome,
                "status": self.status,
                "statement_ids": self.statement_ids,
                "code": self.error.code if self.error else None,
                "detail": self.error.message if self.error else self.detail,
                "problems": [
                    ProblemRead(path=one.path, message=one.message, expected=one.expected)
                    for one in (self.error.problems if self.error else ())
                ],
            }
        )


@dataclass(frozen=True, slots=True)
class _Opened:
    """A letter as it was when its replay began. in_record: the sweep gave it up, and its raw row waits for this."""

    letter: DeadLetter
    sender: KnownKey
    in_record: bool


@dataclass(frozen=True, slots=True)
class Replayer:
    """Replays dead letters for one actor.

    take: see Take. flatten: raises what keeps a statement from having a flat row, so that nobody is told that a
    statement went in which the loader will only bury again. own_key: the sender's key that the settings name.
    """

    take: Take
    flatten: Callable[[bytes], object]
    actor: str
    max_statements: int
    own_key: KnownKey | None = None
    request_id: str = ""

    async def one(self, letter_id: UUID, fix: Fix = UNCHANGED) -> Verdict:
        """Replay one letter. A letter that was replayed before is left alone; one that was discarded is not.

        NotFound when there is none, Unavailable when nothing takes statements right now; then nothing has changed.
        """
        opened = await asyncio.to_thread(self._open, letter_id, fix)
        letter = opened.letter
        if letter.status == "replayed":
            when = clock.iso(letter.resolved_at) if letter.resolved_at else "some time"
            told = f"It was replayed at {when} by {letter.resolved_by or 'somebody'}; nothing was done."
            return Verdict(letter_id, "replayed_before", "replayed", tuple(letter.statement_ids or ()), told)
        try:
            if opened.in_record and letter.statement_id:
                await asyncio.to_thread(self._check_flat, letter.body)
                ids: tuple[UUID, ...] = (letter.statement_id,)
            else:
                received = await asyncio.to_thread(self._receive, letter, fix)
                await self.take(opened.sender, version_of(letter, fix), received, self.request_id)
                ids = received.ids
        except AppError as error:
            if error.status >= 500:
                raise
            why = _explained(error)
            detail = {"code": why.code, "problems": len(why.problems), "changed": fix.changes}
            await asyncio.to_thread(self._note_refused, letter_id, detail)
            return Verdict(letter_id, "refused", letter.status, error=why)
        status = await asyncio.to_thread(self._close, opened, fix, ids)
        told = "" if status == "replayed" else "The same bytes were turned away again meanwhile, so the letter is open."
        return Verdict(letter_id, "replayed", status, ids, told)

    async def many(self, letter_ids: Sequence[UUID]) -> tuple[list[Verdict], list[UUID]]:
        """Replay letters one after the other, as they are. Returns their verdicts and the ids that were not tried.

        Each letter has its own fate. Only when nothing takes statements the rest is not tried; Unavailable when that is
        so from the beginning.
        """
        verdicts: list[Verdict] = []
        ids = list(dict.fromkeys(letter_ids))
        for place, letter_id in enumerate(ids):
            try:
                verdicts.append(await self.one(letter_id))
            except NotFound as error:
                verdicts.append(Verdict(letter_id, "not_found", None, error=error))
            except Exception as error:  # One letter that breaks something must not keep the others.
                if isinstance(error, Unavailable) or is_passing(error):
                    if not verdicts:
                        raise
                    return verdicts, ids[place:]
                log.error("replay failed", letter_id=str(letter_id), exc_info=error)
                told = "Something went wrong on our side; the log has it under this letter's id."
                verdicts.append(Verdict(letter_id, "failed", None, detail=told))
        return verdicts, []

    async def all_of(self, wanted: ReplayRequest) -> ReplayRead:
        """Replay the letters that a request names, and tell each verdict and where to go on."""
        ids, more = wanted.ids or [], None
        marks: dict[UUID, Mark] = {}
        if wanted.filter is not None:
            marks, more = await asyncio.to_thread(_waiting, wanted, wanted.filter)
            ids = list(marks)
        verdicts, not_tried = await self.many(ids)
        if not_tried and marks:
            more = marks[verdicts[-1].id]
        return ReplayRead(
            results=[verdict.read() for verdict in verdicts],
            replayed=sum(verdict.outcome == "replayed" for verdict in verdicts),
            refused=sum(verdict.outcome == "refused" for verdict in verdicts),
            not_tried=not_tried,
            more=str(more) if more else None,
        )

    async def everything(self, ids: Sequence[UUID], filtered: LetterFilter) -> AsyncIterator[ReplayRead]:
        """Replay all of these letters or, when none are named, every open one that fits; told call by call.

        Ends when nothing takes statements any more; the last answer says what was not tried.
        """
        size = REPLAYED_AT_ONCE_LETTERS
        parts = [ReplayRequest(ids=list(ids[start : start + size])) for start in range(0, len(ids), size)]
        requests = parts or [ReplayRequest(filter=filtered)]
        while requests:
            request = requests.pop(0)
            answer = await self.all_of(request)
            yield answer
            if answer.not_tried:
                return
            if answer.more is not None:
                requests.append(request.model_copy(update={"after": answer.more}))

    def _open(self, letter_id: UUID, fix: Fix) -> _Opened:
        with session_scope() as db:
            letter = db.get(DeadLetter, letter_id)
            if letter is None:
                raise no_such_letter(letter_id)
            in_record = letter.source == "sweep" and not fix.changes and _is_given_up(db, letter.statement_id)
            return _Opened(letter, self._sender(db, letter.credential_id), in_record)

    def _sender(self, db: Session, credential_id: str | None) -> KnownKey:
        """Who sent it, with the scopes of their key, revoked or not."""
        if credential_id is None:
            return KnownKey("internal", "nobody who is known", frozenset({ALL}))
        if self.own_key and self.own_key.id == credential_id:
            return self.own_key
        if row := db.get(Credential, credential_id):
            return KnownKey(row.id, row.name, frozenset(row.scopes))
        # Only the key of the settings is in no table, and it may do everything; this one was that key once.
        return KnownKey(credential_id, "a former PUBLIC_PEM", frozenset({ALL}))

    def _receive(self, letter: DeadLetter, fix: Fix) -> Received:
        text, parts, together = text_and_parts(letter, fix)
        seen = glance(text)
        if not together:
            parts = {sha2: data for sha2, data in parts.items() if sha2 in seen.hashes}
            if missing := seen.hashes - parts.keys():
                with session_scope() as db:  # What came along once is in the record, also if its statement is not.
                    parts |= bronze.attachments(db, sorted(missing))
        given = parts if parts or together else None
        received = receive(letter, fix, text, own=seen.own_id, parts=given, max_statements=self.max_statements)
        for place, statement in enumerate(split(received.body)):
            self._check_flat(statement, f"[{place}]" if len(received.ids) > 1 else "$")
        return received

    def _check_flat(self, statement: bytes, path: str = "$") -> None:
        try:
            self.flatten(statement)
        except Exception as error:  # noqa: BLE001  (the loader buries whatever this raises)
            told = error.message if isinstance(error, AppError) else f"{type(error).__name__}: {error}"[:300]
            expected = "A statement that can be flattened, or a release that can flatten this one."
            raise Refused(
                f"The statement is valid and still cannot be flattened: {told}",
                [Problem(path, f"cannot be flattened: {told}", expected)],
            ) from None

    def _note_refused(self, letter_id: UUID, detail: dict[str, object]) -> None:
        with session_scope() as db:
            note_refused(db, letter_id, self.actor, detail)

    def _close(self, opened: _Opened, fix: Fix, ids: Sequence[UUID]) -> str | None:
        detail = {
            "statements": len(ids),
            "changed": fix.changes,
            "xapi_version": version_of(opened.letter, fix),
            "was": opened.letter.status,
        }
        with session_scope() as db:
            _to_the_sweep(db, ids)
            return note_replayed(db, opened.letter, ids, self.actor, detail)


def _waiting(wanted: ReplayRequest, filtered: LetterFilter) -> tuple[dict[UUID, Mark], Mark | None]:
    """The next open letters that fit, in the order in which they first came, each with its place, and what is next."""
    after = read_mark(wanted.after, "oldest", "after") if wanted.after else None
    with session_scope() as db:
        rows, more = find(db, filtered, status="open", order="oldest", after=after, limit=wanted.limit)
    return {row.id: Mark("oldest", row.first_seen_at, row.id) for row in rows}, more


def _is_given_up(db: Session, statement_id: UUID | None) -> bool:
    """Whether the statement is in the record and the sweep has given up flattening it."""
    marked = select(StatementRaw.seq).where(StatementRaw.id == statement_id, StatementRaw.flatten_error.is_not(None))
    return db.execute(marked).first() is not None


def _to_the_sweep(db: Session, ids: Sequence[UUID]) -> None:
    """What is in the record and was given up is flattened by the next sweep; a repeat alone would not bring that."""
    given_up = StatementRaw.id.in_(ids), StatementRaw.flatten_error.is_not(None)
    db.execute(update(StatementRaw).where(*given_up).values(flatten_error=None))


def _explained(error: AppError) -> AppError:
    """A conflict says that no second try will help, and what will."""
    if not isinstance(error, Conflict):
        return error
    told = "If both are real, replay with a new body that has another id; if not, discard the letter."
    return Conflict(f"{error.message} {told}", error.problems)
