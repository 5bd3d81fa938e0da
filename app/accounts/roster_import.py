"""Roster import: what each row would change, and the change itself, a thousand rows per transaction."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import orjson
from psycopg2.extras import execute_values
from sqlalchemy import insert as plain_insert
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts import cohorts, imports
from app.accounts.models import Cohort, CohortMember, UserIdentifier
from app.accounts.people import owners_of, storable, take_turn
from app.accounts.roster import CohortName, Roster, RosterRow
from app.accounts.schemas import RosterRead, RowRead
from app.models import User
from app.schemas import ProblemRead

ROWS_PER_STEP = 1_000
"""Rows per transaction: people are made by one at a time, and a loader that meets somebody new waits this long."""

Units = Callable[[], AbstractContextManager[Session]]
"""What gives a unit of work; see app.database.session_scope."""

_UPDATE = """
UPDATE public.users u SET
    name = coalesce(v.name, u.name), email = coalesce(v.email, u.email), phone = coalesce(v.phone, u.phone),
    time_zone = coalesce(v.time_zone, u.time_zone), language = coalesce(v.language, u.language),
    attributes = u.attributes || v.attributes
FROM (VALUES %s) AS v (id, name, email, phone, time_zone, language, attributes) WHERE u.id = v.id
"""
_TEMPLATE = "(%s::uuid, %s, %s, %s, %s, %s, %s::jsonb)"
_FIELDS = ("name", "email", "phone", "time_zone", "language")


@dataclass(slots=True)
class _Step:
    """What some rows come to: verdicts, in order, and what has to be written; and what was known before."""

    known: dict[UUID, Any]
    in_cohorts: set[tuple[UUID, str]]
    verdicts: list[RowRead] = field(default_factory=list)
    new_users: list[dict[str, Any]] = field(default_factory=list)
    new_identifiers: list[dict[str, Any]] = field(default_factory=list)
    updates: list[tuple[Any, ...]] = field(default_factory=list)
    members: list[tuple[CohortName, UUID]] = field(default_factory=list)


def look_at(db: Session, roster: Roster) -> RosterRead:
    """What the roster would come to now. Nothing is written."""
    verdicts = [one for rows in _steps(roster) for one in _plan(db, rows).verdicts]
    return _told(roster, verdicts, None)


def apply(
    units: Units,
    roster: Roster,
    *,
    time_zone: str,
    actor: str,
    tell: Callable[[int], None] = lambda _: None,
    import_id: UUID | None = None,
) -> RosterRead:
    """Enter the roster: new learners, what changed of known ones, cohorts and who is in them. Again changes nothing.

    What a filled cell says replaces what was known; an empty one changes nothing; nobody leaves a cohort. Each step is
    a transaction of its own, and says in ops.imports how far it is; `tell` is called with the rows done after each.
    time_zone: of cohorts that are new. import_id: of the import in the ledger, where it has been entered already.
    """
    if import_id is None:
        with units() as db:
            import_id = imports.begin(db, "roster", actor, len(roster.rows))
    verdicts: list[RowRead] = []
    with imports.watched(units, import_id):
        for rows in _steps(roster):
            with units() as db:
                take_turn(db)
                step = _plan(db, rows)
                _write(db, step, time_zone)
                verdicts += step.verdicts
                imports.advance(db, import_id, len(verdicts), _counts(verdicts))
            tell(len(verdicts))
        with units() as db:
            imports.finish(db, import_id, "done", _counts(verdicts))
    return _told(roster, verdicts, import_id)


def _steps(roster: Roster) -> Iterator[Sequence[RosterRow]]:
    for start in range(0, len(roster.rows), ROWS_PER_STEP):
        yield roster.rows[start : start + ROWS_PER_STEP]


def _plan(db: Session, rows: Sequence[RosterRow]) -> _Step:
    """Compare rows with what is known. Rows before these are in the database already, if they are applied at all."""
    usable = [row for row in rows if row.person is not None and not row.problems]
    keys = {one.key for row in usable if row.person for one in row.person.identifiers}
    owners = owners_of(db, keys)
    query = select(User.id, User.name, User.email, User.phone, User.time_zone, User.language, User.attributes).where(
        User.id.in_(set(owners.values()))
    )
    known = {user.id: user for user in db.execute(query)} if owners else {}
    step = _Step(known=known, in_cohorts=_memberships(db, set(known)))
    for row in rows:
        step.verdicts.append(_judge(row, owners, step))
    return step


def _memberships(db: Session, users: set[UUID]) -> set[tuple[UUID, str]]:
    """Who of these is in which cohort, by its slug."""
    query = select(CohortMember.user_id, Cohort.slug).join(Cohort, Cohort.id == CohortMember.cohort_id)
    return {(row.user_id, row.slug) for row in db.execute(query.where(CohortMember.user_id.in_(users)))}


def _judge(row: RosterRow, owners: dict[UUID, UUID], step: _Step) -> RowRead:
    person = row.person
    read = RowRead(row=row.number, verdict="invalid", cohort=row.cohort.slug if row.cohort else None)
    if person is None or row.problems:
        read.problems = [ProblemRead(path=p.path, message=p.message, expected=p.expected) for p in row.problems]
        return read
    people = {owners[one.key] for one in person.identifiers if one.key in owners}
    if len(people) > 1:
        told = f"Its e-mail, phone and ID belong to {len(people)} learners: {', '.join(sorted(map(str, people)))}."
        read.problems = [
            ProblemRead(path="$", message=told, expected="One person; merge the learners if they are one.")
        ]
        return read
    user_id = next(iter(people), None)
    if row.duplicate_of is not None:
        # Somebody may stand in two groups; everything else is said by their first row.
        read.verdict, read.duplicate_of = "duplicate", row.duplicate_of
        if user_id is not None:
            _note_identifiers(row, user_id, owners, step)
            _note_member(row, user_id, step)
        return read
    if user_id is None:
        read.verdict = "new"
        user_id = uuid4()
        step.new_users.append(
            {
                "id": user_id,
                "source": "roster",
                "attributes": row.attributes,
                **_said(row),
            }
        )
    else:
        read.learner_id = user_id
        fields = _changes(row, step.known[user_id], owners)
        moves = row.cohort is not None and (user_id, row.cohort.slug) not in step.in_cohorts
        read.changes = [*fields, *(["cohort"] if moves else [])]
        read.verdict = "changed" if read.changes else "known"
        if fields:
            step.updates.append((user_id, *_said(row).values(), orjson.dumps(row.attributes).decode()))
    _note_identifiers(row, user_id, owners, step)
    _note_member(row, user_id, step)
    return read


def _said(row: RosterRow) -> dict[str, str | None]:
    """What the row says of the person, by column of users, in the order of _FIELDS."""
    assert row.person is not None  # noqa: S101  (only rows that name somebody come here)
    person = row.person
    values = (person.name, person.email, person.phone, row.time_zone, row.language)
    return {name: storable(value) for name, value in zip(_FIELDS, values, strict=True)}


def _changes(row: RosterRow, known: Any, owners: dict[UUID, UUID]) -> list[str]:
    """The fields of a known learner that the row says otherwise."""
    found = [name for name, value in _said(row).items() if value and value != getattr(known, name)]
    found += [name for name, value in row.attributes.items() if known.attributes.get(name) != value]
    assert row.person is not None  # noqa: S101
    added = {one.kind for one in row.person.identifiers if one.key not in owners and one.kind != "mbox_sha1sum"}
    names = {"mbox": "email", "account": "id"}
    return found + sorted({names.get(kind, kind) for kind in added} - set(found))


def _note_identifiers(row: RosterRow, user_id: UUID, owners: dict[UUID, UUID], step: _Step) -> None:
    assert row.person is not None  # noqa: S101
    for one in row.person.identifiers:
        if one.key not in owners:
            owners[one.key] = user_id
            step.new_identifiers.append(
                {"key": one.key, "user_id": user_id, "kind": one.kind, "value": storable(one.value)}
            )


def _note_member(row: RosterRow, user_id: UUID, step: _Step) -> None:
    if row.cohort is not None:
        step.members.append((row.cohort, user_id))


def _write(db: Session, step: _Step, time_zone: str) -> None:
    if step.new_users:
        db.execute(plain_insert(User), step.new_users)
    if step.new_identifiers:
        db.execute(plain_insert(UserIdentifier), step.new_identifiers)
    if step.updates:
        cursor = db.connection().connection.cursor()
        execute_values(cursor, _UPDATE, [(str(row[0]), *row[1:]) for row in step.updates], _TEMPLATE, page_size=1_000)
        cursor.close()
    if step.members:
        found = _cohorts(db, {cohort.slug: cohort.name for cohort, _ in step.members}, time_zone)
        cohorts.enter(db, [(found[cohort.slug], user_id) for cohort, user_id in step.members])


def _cohorts(db: Session, names: dict[str, str], time_zone: str) -> dict[str, UUID]:
    """The cohorts of these slugs; those that are new are made. The name of one that is there stays."""
    rows = [{"slug": slug, "name": names[slug], "time_zone": time_zone} for slug in sorted(names)]
    db.execute(insert(Cohort).on_conflict_do_nothing(), [{"id": uuid4(), **row} for row in rows])
    return cohorts.ids_of(db, names)


def _counts(verdicts: Sequence[RowRead]) -> dict[str, int]:
    return dict(Counter[str](one.verdict for one in verdicts))


def _told(roster: Roster, verdicts: list[RowRead], import_id: UUID | None) -> RosterRead:
    return RosterRead(
        applied=import_id is not None,
        import_id=import_id,
        rows=len(verdicts),
        counts=_counts(verdicts),
        cohorts={row.cohort.slug: row.cohort.name for row in roster.rows if row.cohort and not row.problems},
        columns=dict(roster.columns),
        verdicts=verdicts,
    )
