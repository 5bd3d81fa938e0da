"""The pipeline: flatten statements, load them into bronze and silver in one transaction, and sweep up what was missed.

The only place that knows the order of the rooms. The worker's stream consumer and the scheduled sweep use one loader.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Text, cast, select, update
from sqlalchemy.orm import Session

from app import reactions
from app.accounts.identifiers import Person, person_of
from app.accounts.lessons import lesson_id_of, note_lessons
from app.accounts.people import recognise, storable
from app.errors import Problem, Unreadable
from app.facts import StatementLoaded, StatementVoided
from app.ingest.dead_letters import bury
from app.linking import NewStatement, link, refers, settle_late, take_turn
from app.lrs import reading
from app.lrs.comparison import agree, comparison_hash
from app.lrs.validation import parse_timestamp
from app.models import StatementRaw
from app.platform import clock
from app.platform.logs import get_logger
from app.warehouse import bronze, pages, silver

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A valid statement on its way into the record. payload: its JSON text as sent. stored_at: when it was accepted."""

    id: UUID
    payload: bytes
    stored_at: datetime
    xapi_version: str
    credential_id: str
    defines: bool = True


@dataclass(slots=True)
class Loaded:
    """What a load came to, in statements."""

    new: int = 0
    repeated: int = 0
    buried: int = 0


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement parsed and flattened, before anything is looked up for it."""

    raw: bronze.RawStatement
    row: dict[str, Any]
    person: Person | None
    statement: dict[str, Any]


def flatten_statement(raw_json: bytes | str | dict[str, Any]) -> dict[str, Any]:
    """The flat columns of one valid statement, from its JSON text or its parsed form. Pure: looks nothing up.

    Every column of silver.statements_flat is there except learner_id, which takes a look-up; `lesson_activity_id` and
    `lesson_title` come on top and say which lesson it belongs to. `statement_id`, `occurred_at` and `stored_at` are
    None unless the statement itself says so. Raises Unreadable when it is no JSON object.
    """
    statement = raw_json if isinstance(raw_json, dict) else _parse(raw_json)
    person = person_of(statement["actor"])
    actor, activity, verb_id = statement["actor"], statement["object"], statement["verb"]["id"]
    definition = activity.get("definition") or {}
    result = statement.get("result") or {}
    score = result.get("score") or {}
    context = statement.get("context") or {}
    lesson = reading.lesson_of(statement)
    parent = reading.first_activity(context, "parent")
    grouping = reading.first_activity(context, "grouping")
    columns = {
        "statement_id": UUID(statement["id"]) if "id" in statement else None,
        "actor_key": person.actor_key if person else f"group:{actor.get('name', '')}",
        "actor_email": person.email if person else None,
        "actor_name": actor.get("name"),
        "verb_id": verb_id,
        "verb": verb_id.rstrip("/#").replace("#", "/").rsplit("/", 1)[-1],
        "object_id": activity.get("id") or (other.actor_key if (other := person_of(activity)) else ""),
        "object_type": activity.get("objectType", "Activity"),
        "object_name": reading.text_in(definition.get("name")) or activity.get("name"),
        "activity_type": definition.get("type"),
        "interaction_type": definition.get("interactionType"),
        "lesson_id": lesson_id_of(lesson["id"]) if lesson else None,
        "lesson_activity_id": lesson["id"] if lesson else None,
        "lesson_title": (reading.text_in((lesson.get("definition") or {}).get("name")) if lesson else None),
        "completes_lesson": lesson is activity and reading.completes(statement),
        "success": result.get("success"),
        "completion": result.get("completion"),
        "score_scaled": score.get("scaled"),
        "score_raw": score.get("raw"),
        "score_min": score.get("min"),
        "score_max": score.get("max"),
        "response": result.get("response"),
        "duration_s": reading.duration_seconds(result),
        "registration": UUID(context["registration"]) if "registration" in context else None,
        "parent_id": parent["id"] if parent else None,
        "grouping_id": grouping["id"] if grouping else None,
        "platform": context.get("platform"),
        "language": context.get("language"),
        "card_type": reading.card_type(statement),
        "occurred_at": (parse_timestamp(statement["timestamp"]) if "timestamp" in statement else None),
        "stored_at": parse_timestamp(statement["stored"]) if "stored" in statement else None,
    }
    return {key: storable(value) if isinstance(value, str) else value for key, value in columns.items()}


def load_statements(db: Session, statements: Iterable[Incoming], *, source: str = "loader") -> Loaded:
    """Store and flatten statements in the caller's transaction. Running it again with the same ones changes nothing.

    A statement that cannot be flattened, or whose id stands for another statement already, is buried with its reason;
    the others go on. Errors of the database are raised: then nothing happened.
    """
    loaded = Loaded()
    unique, again = _prepare_unique(db, statements, source, loaded)
    take_turn(db, alone=any(refers(p.statement) for p in unique.values()))
    new = _store(db, unique, again, source, loaded, flattened_at=clock.now())
    _write_flat(db, [(unique[key], seq) for key, seq in new.items()])
    return loaded


def store_statements(db: Session, statements: Iterable[Incoming], *, source: str = "door") -> Loaded:
    """Store statements in bronze only, marked for the sweep: ETL_MODE=incremental, and the door when Redis is down."""
    loaded = Loaded()
    _store(db, *_prepare_unique(db, statements, source, loaded), source, loaded, flattened_at=None)
    return loaded


def run_incremental_etl(db: Session, *, limit: int = 1_000) -> Loaded:
    """Flatten up to `limit` raw statements that have no flat row yet, in the caller's transaction.

    The mark on the row decides, so a statement that was committed late is found too. Several sweeps at once take
    turns. Call it until `new` and `buried` are both 0.
    """
    take_turn(db, alone=True)
    return flatten_stored(db, _waiting(db, limit))


def flatten_stored(db: Session, rows: Iterable[Any]) -> Loaded:
    """Flatten stored statements that have not been flattened; the caller has the turn alone. rows: as in bronze."""
    done = Loaded()
    flattened: list[int] = []
    prepared: list[tuple[_Prepared, int]] = []
    voided: list[tuple[_Prepared, int]] = []
    for row in rows:
        try:
            # Voided by a statement that was loaded before it: it has no flat row, and others still refer to it.
            (prepared if row.voided_by is None else voided).append((_prepare(incoming_of(row)), row.seq))
            flattened.append(row.seq)
        except Exception as error:  # noqa: BLE001  (one bad row must not stop the safety net)
            give_up(db, row, error)
            done.buried += 1
    _write_flat(db, prepared, voided)
    if flattened:
        marks = {"flattened_at": clock.now(), "flatten_error": None}
        db.execute(update(StatementRaw).where(StatementRaw.seq.in_(flattened)).values(marks))
    done.new = len(flattened)
    return done


def give_up_on_next(db: Session, error: Exception) -> Loaded:
    """Bury the statement that waits first for the sweep, because the database refuses its flat row with this error."""
    rows = _waiting(db, 1)
    for row in rows:
        give_up(db, row, error)
    return Loaded(buried=len(rows))


def give_up(db: Session, row: Any, error: Exception) -> None:
    """Bury a stored statement that cannot be flattened, and say so on its row."""
    _bury(db, incoming_of(row), error, "sweep")
    db.execute(update(StatementRaw).where(StatementRaw.seq == row.seq).values(flatten_error=_why(error)))


def flat_rows(db: Session, rows: Iterable[Any]) -> tuple[dict[UUID, dict[str, Any]], dict[UUID, Exception]]:
    """The flat rows that stored statements ought to have, by id; and why the others can have none. Writes none."""
    prepared: dict[UUID, _Prepared] = {}
    failed: dict[UUID, Exception] = {}
    for row in rows:
        try:
            prepared[row.id] = _prepare(incoming_of(row))
        except Exception as error:  # noqa: BLE001  (told to the caller, one by one)
            failed[row.id] = error
    _identify(db, list(prepared.values()))
    return {key: p.row for key, p in prepared.items()}, failed


def _waiting(db: Session, limit: int) -> Sequence[Any]:
    """The raw statements that wait for their flat row, the oldest first, locked; those that others hold are skipped."""
    query = (
        select(
            StatementRaw.seq,
            StatementRaw.id,
            # As text: the driver would hand over the JSON parsed, and what was sent would be lost.
            cast(StatementRaw.payload, Text).label("payload"),
            StatementRaw.stored_at,
            StatementRaw.xapi_version,
            StatementRaw.credential_id,
            StatementRaw.defines,
            StatementRaw.voided_by,
        )
        .where(StatementRaw.flattened_at.is_(None), StatementRaw.flatten_error.is_(None))
        .order_by(StatementRaw.seq)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return db.execute(query).all()


def incoming_of(row: Any) -> Incoming:
    """A stored statement as the loader takes it. row: one of bronze.statements_raw, its payload as text."""
    return Incoming(row.id, row.payload.encode(), row.stored_at, row.xapi_version, row.credential_id, row.defines)


def _parse(raw_json: bytes | str) -> dict[str, Any]:
    try:
        statement = orjson.loads(raw_json)
    except orjson.JSONDecodeError as error:
        raise Unreadable(
            f"The statement is not JSON: {error}.", [Problem("$", "is not JSON.", "A JSON object.")]
        ) from error
    if not isinstance(statement, dict):
        raise Unreadable("The statement is no JSON object.", [Problem("$", "is no JSON object.", "A JSON object.")])
    return statement


def _prepare(incoming: Incoming) -> _Prepared:
    statement = _parse(incoming.payload)
    row = flatten_statement(statement)
    row["statement_id"] = incoming.id
    row["stored_at"] = incoming.stored_at
    if row["occurred_at"] is None:
        # xAPI 1.0.3 Data 2.4.7: a statement without a timestamp of its own happened when it was stored.
        row["occurred_at"] = incoming.stored_at
    raw = bronze.RawStatement(
        id=incoming.id,
        payload=incoming.payload,
        content_hash=comparison_hash(statement),
        stored_at=incoming.stored_at,
        xapi_version=incoming.xapi_version,
        credential_id=incoming.credential_id,
        defines=incoming.defines,
    )
    return _Prepared(raw, row, person_of(statement["actor"]), statement)


def _prepare_unique(
    db: Session, statements: Iterable[Incoming], source: str, loaded: Loaded
) -> tuple[dict[UUID, _Prepared], list[_Prepared]]:
    """Prepare statements. Returns the first one under each id, and those whose id came once more in this batch."""
    unique: dict[UUID, _Prepared] = {}
    again: list[_Prepared] = []
    for incoming in statements:
        try:
            prepared = _prepare(incoming)
        except Exception as error:  # noqa: BLE001  (whatever one statement does, the other 499 go on)
            _bury(db, incoming, error, source)
            loaded.buried += 1
            continue
        if unique.setdefault(incoming.id, prepared) is not prepared:
            again.append(prepared)
    return unique, again


def _store(
    db: Session,
    unique: dict[UUID, _Prepared],
    again: Sequence[_Prepared],
    source: str,
    loaded: Loaded,
    *,
    flattened_at: datetime | None,
) -> dict[UUID, int]:
    """Store what is new in bronze; what was there already is a quiet repeat, or a conflict that is buried."""
    if not unique:
        return {}
    new = bronze.store(db, [prepared.raw for prepared in unique.values()], flattened_at=flattened_at)
    seen_before = [*(p for key, p in unique.items() if key not in new), *again]
    if seen_before:
        stored = bronze.content_hashes(db, [p.raw.id for p in seen_before])
        for p in seen_before:
            if p.raw.content_hash == stored[p.raw.id] or _agrees(db, p):
                loaded.repeated += 1
            else:
                _bury_conflict(db, p.raw, source)
                loaded.buried += 1
    loaded.new = len(new)
    return new


def _write_flat(
    db: Session, stored: Sequence[tuple[_Prepared, int]], voided_before: Sequence[tuple[_Prepared, int]] = ()
) -> None:
    """Everything derived from statements that were stored under these seqs: flat rows, links, what follows."""
    if not stored and not voided_before:
        return
    prepared = [p for p, _ in stored]
    _identify(db, prepared)
    silver.write(db, [p.row for p in prepared])
    facts: list[StatementLoaded | StatementVoided] = [
        StatementLoaded(
            statement_id=p.row["statement_id"],
            learner_id=p.row["learner_id"],
            lesson_id=p.row["lesson_id"],
            completes_lesson=p.row["completes_lesson"],
            occurred_at=p.row["occurred_at"],
        )
        for p in prepared
    ]
    voided = link(db, [_new(p, seq) for p, seq in stored] + [_new(p, seq, is_voided=True) for p, seq in voided_before])
    facts += _withdraw(db, voided)
    reactions.react(db, facts)


def _identify(db: Session, prepared: Sequence[_Prepared]) -> None:
    """Enter in each flat row who it was; learners and lessons that nobody knew yet are entered."""
    learners = recognise(db, [p.person for p in prepared if p.person], source="statement")
    titles: dict[str, str | None] = {}
    for p in prepared:
        p.row["learner_id"] = learners[p.person.actor_key] if p.person else None
        activity_id, title = p.row.pop("lesson_activity_id"), p.row.pop("lesson_title")
        if activity_id:
            titles[activity_id] = titles.get(activity_id) or title
    if titles:
        note_lessons(db, titles)


def _new(prepared: _Prepared, seq: int, *, is_voided: bool = False) -> NewStatement:
    raw = prepared.raw
    return NewStatement(
        raw.id, seq, raw.stored_at, prepared.statement, raw.credential_id, raw.defines, is_voided=is_voided
    )


def settle(db: Session) -> None:
    """Follow references to statements that were stored but cannot be loaded; the sweep calls it."""
    reactions.react(db, _withdraw(db, settle_late(db)))


def _withdraw(db: Session, voided: Sequence[UUID]) -> list[StatementVoided]:
    """A voided statement counts no more: its flat row goes, bronze keeps it (xAPI 1.0.3 Data 2.3.2)."""
    return [StatementVoided(*row) for row in silver.withdraw(db, voided)]


def _agrees(db: Session, prepared: _Prepared) -> bool:
    """Whether it differs from the stored one only in what the store itself added (xAPI 1.0.3 Data 2.3.1)."""
    key = prepared.raw.id
    stored = pages.by_id(db, key, voided=False) or pages.by_id(db, key, voided=True)
    return stored is not None and agree(prepared.statement, orjson.loads(stored.payload))


def _bury_conflict(db: Session, statement: bronze.RawStatement, source: str) -> None:
    """xAPI 1.0.3 Communication 2.1.1: another statement under an id that is taken changes nothing; it is kept."""
    bury(
        db,
        source=source,
        code="conflict",
        reason=f"Another statement is stored under the id {statement.id}.",
        body=statement.payload,
        problems=[Problem("id", "is taken by a different statement.", "The statement as first sent, or a new id.")],
        credential_id=statement.credential_id,
        statement_id=statement.id,
    )


def _bury(db: Session, incoming: Incoming, error: Exception, source: str) -> None:
    problems = error.problems if isinstance(error, Unreadable) else ()
    log.warning("statement buried", statement_id=str(incoming.id), reason=_why(error), exc_info=not problems)
    bury(
        db,
        source=source,
        code="unreadable",
        reason=f"The statement cannot be flattened: {_why(error)}",
        body=incoming.payload,
        problems=problems,
        credential_id=incoming.credential_id,
        statement_id=incoming.id,
    )


def _why(error: Exception) -> str:
    return (
        error.message if isinstance(error, Unreadable) else storable(f"{type(error).__name__}: {error}"[:1_000]) or ""
    )
