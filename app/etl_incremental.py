"""The pipeline: flatten statements, load them into bronze and silver in one transaction, and sweep up what was missed.

The only place that knows the order of the rooms. The worker's stream consumer and the scheduled sweep use one loader.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
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
from app.ingest.dead_letters import Letter, bury_all
from app.linking import Findings, NewStatement, link, look_into, settle_late, take_turn
from app.lrs import reading
from app.lrs.comparison import agree
from app.lrs.validation import parse_timestamp
from app.models import StatementRaw
from app.platform import clock
from app.platform.ids import stable_id
from app.quarantine import conflict, unreadable, why
from app.warehouse import bronze, pages, silver

Incoming = bronze.RawStatement
"""A valid statement on its way into the record."""


@dataclass(slots=True)
class Loaded:
    """What a load came to, in statements."""

    new: int = 0
    repeated: int = 0
    buried: int = 0


class Prepared(NamedTuple):
    """A statement flattened and written as lines for its tables, before anything is looked up for it."""

    incoming: Incoming
    row: dict[str, Any]
    person: Person | None
    findings: Findings
    raw_line: str
    flat_line: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Statements that are ready for the record: the first one under each id, those whose id came once more, and what
    could not be flattened.
    """

    source: str
    unique: dict[UUID, Prepared] = field(default_factory=dict)
    again: list[Prepared] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)


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
    answers = lesson is not None and reading.is_answer(statement)
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
        "question_id": stable_id("activity", activity["id"]) if answers else None,
        "choice": reading.choice(result) if answers else None,
        "occurred_at": (parse_timestamp(statement["timestamp"]) if "timestamp" in statement else None),
        "stored_at": parse_timestamp(statement["stored"]) if "stored" in statement else None,
    }
    for key, value in columns.items():
        if type(value) is str and "\x00" in value:
            columns[key] = storable(value)
    return columns


def prepare_statements(statements: Iterable[Incoming], source: str = "loader") -> Batch:
    """All that can be done for statements without asking a store. Whatever one of them does, the others go on."""
    batch = Batch(source)
    for incoming in statements:
        try:
            prepared = _prepare(incoming)
        except Exception as error:  # noqa: BLE001
            batch.letters.append(unreadable(incoming, error, source))
            continue
        if batch.unique.setdefault(incoming.id, prepared) is not prepared:
            batch.again.append(prepared)
    return batch


def load_statements(db: Session, statements: Iterable[Incoming]) -> Loaded:
    """Store and flatten statements in the caller's transaction. Running it again with the same ones changes nothing.

    A statement that cannot be flattened, or whose id stands for another statement already, is buried with its reason;
    the others go on. Errors of the database are raised: then nothing happened.
    """
    return load_batch(db, prepare_statements(statements))


def load_batch(db: Session, batch: Batch) -> Loaded:
    """`load_statements` for those that were prepared already. The same batch can be loaded again if this fails."""
    links_alone = any(p.findings.referred for p in batch.unique.values())
    take_turn(db, alone=links_alone)
    new, loaded = _store(db, batch, flattened_at=clock.now())
    _write_flat(db, [(batch.unique[key], seq) for key, seq in new.items()])
    return loaded


def store_statements(db: Session, statements: Iterable[Incoming]) -> Loaded:
    """Store statements in bronze only, marked for the sweep: ETL_MODE=incremental, and the door when Redis is down."""
    return _store(db, prepare_statements(statements, "door"), flattened_at=None)[1]


def run_incremental_etl(db: Session, *, limit: int = 1_000, stored_since: datetime | None = None) -> Loaded:
    """Flatten up to `limit` raw statements that have no flat row yet, in the caller's transaction.

    stored_since: only those that were accepted at this moment or later; None: all.

    The mark on the row decides, so a statement that was committed late is found too. Several sweeps at once take
    turns. Call it until `new` and `buried` are both 0.
    """
    take_turn(db, alone=True)
    return flatten_stored(db, _waiting(db, limit, stored_since))


def flatten_stored(db: Session, rows: Iterable[Any]) -> Loaded:
    """Flatten stored statements that have not been flattened; the caller has the turn alone. rows: as in bronze."""
    flattened: list[int] = []
    failed: list[tuple[Any, Exception]] = []
    prepared: list[tuple[Prepared, int]] = []
    voided: list[tuple[Prepared, int]] = []
    for row in rows:
        try:
            # Voided by a statement that was loaded before it: it has no flat row, and others still refer to it.
            (prepared if row.voided_by is None else voided).append((_prepare(incoming_of(row)), row.seq))
            flattened.append(row.seq)
        except Exception as error:  # noqa: BLE001  (one bad row must not stop the safety net)
            failed.append((row, error))
    give_up(db, failed)
    _write_flat(db, prepared, voided)
    if flattened:
        marks = {"flattened_at": clock.now(), "flatten_error": None}
        db.execute(update(StatementRaw).where(StatementRaw.seq.in_(flattened)).values(marks))
    return Loaded(new=len(flattened), buried=len(failed))


def give_up_on_next(db: Session, error: Exception, *, stored_since: datetime | None = None) -> Loaded:
    """Bury the statement that waits first for the sweep, because the database refuses its flat row with this error."""
    rows = _waiting(db, 1, stored_since)
    give_up(db, [(row, error) for row in rows])
    return Loaded(buried=len(rows))


def give_up(db: Session, failed: Sequence[tuple[Any, Exception]]) -> None:
    """Bury stored statements that cannot be flattened, each for this reason, and say so on their rows."""
    bury_all(db, [unreadable(incoming_of(row), error, "sweep") for row, error in failed])
    for row, error in failed:
        db.execute(update(StatementRaw).where(StatementRaw.seq == row.seq).values(flatten_error=why(error)))


def flat_rows(db: Session, rows: Iterable[Any]) -> tuple[dict[UUID, dict[str, Any]], dict[UUID, Exception]]:
    """The flat rows that stored statements ought to have, by id; and why the others can have none. Writes none."""
    prepared: dict[UUID, Prepared] = {}
    failed: dict[UUID, Exception] = {}
    for row in rows:
        try:
            prepared[row.id] = _prepare(incoming_of(row))
        except Exception as error:  # noqa: BLE001  (told to the caller, one by one)
            failed[row.id] = error
    _identify(db, list(prepared.values()))
    return {key: p.row for key, p in prepared.items()}, failed


def _waiting(db: Session, limit: int, stored_since: datetime | None) -> Sequence[Any]:
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
    if stored_since is not None:
        query = query.where(StatementRaw.stored_at >= stored_since)
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


def _prepare(incoming: Incoming) -> Prepared:
    statement = _parse(incoming.payload)
    row = flatten_statement(statement)
    row["statement_id"] = incoming.id
    row["stored_at"] = incoming.stored_at
    if row["occurred_at"] is None:
        # xAPI 1.0.3 Data 2.4.7: a statement without a timestamp of its own happened when it was stored.
        row["occurred_at"] = incoming.stored_at
    return Prepared(
        incoming,
        row,
        person_of(statement["actor"]),
        look_into(statement, incoming.credential_id, defines=incoming.defines),
        bronze.as_line(incoming),
        silver.as_line(row),
    )


def _store(db: Session, batch: Batch, *, flattened_at: datetime | None) -> tuple[dict[UUID, int], Loaded]:
    """Store what is new in bronze and return its ids with their seqs. What was there already is a quiet repeat, or a
    conflict that is buried.
    """
    unique, letters = batch.unique, list(batch.letters)
    new: dict[UUID, int] = {}
    if unique:
        statements, lines = [p.incoming for p in unique.values()], [p.raw_line for p in unique.values()]
        new = bronze.store(db, statements, lines, flattened_at=flattened_at)
    seen_before = [*(p for key, p in unique.items() if key not in new), *batch.again]
    if seen_before:
        stored = bronze.content_hashes(db, [p.incoming.id for p in seen_before])
        for p in seen_before:
            if bronze.text_hash(p.incoming.payload) != stored[p.incoming.id] and not _agrees(db, p.incoming):
                letters.append(conflict(p.incoming, batch.source))
    bury_all(db, letters)
    conflicts = len(letters) - len(batch.letters)
    return new, Loaded(new=len(new), repeated=len(seen_before) - conflicts, buried=len(letters))


def _write_flat(
    db: Session, stored: Sequence[tuple[Prepared, int]], voided_before: Sequence[tuple[Prepared, int]] = ()
) -> None:
    """Everything derived from statements that were stored under these seqs: flat rows, links, what follows."""
    if not stored and not voided_before:
        return
    prepared = [p for p, _ in stored]
    _identify(db, prepared)
    silver.write(db, [p.row for p in prepared], [p.flat_line for p in prepared])
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


def _identify(db: Session, prepared: Sequence[Prepared]) -> None:
    """Enter in each flat row who it was; learners and lessons that nobody knew yet are entered."""
    learners = recognise(db, [p.person for p in prepared if p.person], source="statement")
    titles: dict[str, str | None] = {}
    for p in prepared:
        p.row["learner_id"] = learners[p.person.actor_key] if p.person else None
        if activity_id := p.row["lesson_activity_id"]:
            titles[activity_id] = titles.get(activity_id) or p.row["lesson_title"]
    if titles:
        note_lessons(db, titles)


def _new(prepared: Prepared, seq: int, *, is_voided: bool = False) -> NewStatement:
    incoming = prepared.incoming
    return NewStatement(incoming.id, seq, incoming.stored_at, prepared.findings, is_voided=is_voided)


def settle(db: Session) -> None:
    """Follow references to statements that were stored but cannot be loaded; the sweep calls it."""
    reactions.react(db, _withdraw(db, settle_late(db)))


def _withdraw(db: Session, voided: Sequence[UUID]) -> list[StatementVoided]:
    """A voided statement counts no more: its flat row goes, bronze keeps it (xAPI 1.0.3 Data 2.3.2)."""
    return [StatementVoided(*row) for row in silver.withdraw(db, voided)]


def _agrees(db: Session, incoming: Incoming) -> bool:
    """Whether it says what the stored one says, apart from what the store itself added (xAPI 1.0.3 Data 2.3.1)."""
    stored = pages.by_id(db, incoming.id, voided=False) or pages.by_id(db, incoming.id, voided=True)
    return stored is not None and agree(orjson.loads(incoming.payload), orjson.loads(stored.payload))
