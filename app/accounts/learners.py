"""Learners as people look after them: found, shown, their identifiers and rows moved from one to another."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from app.accounts import visibility
from app.accounts.identifiers import Identifier, email_identifiers
from app.accounts.models import Cohort, CohortMember, MergedLearner, UserIdentifier
from app.accounts.personal import Marks, marks_of
from app.accounts.schemas import IdentifierRead, LearnerPage, LearnerRead, LearnerRow
from app.accounts.visibility import Viewer
from app.errors import NotFound
from app.models import User
from app.platform import clock

# Every table that refers to learners, of whichever room: its own rows follow them, and go with them.
_REFERRING = """
SELECT n.nspname, c.relname, a.attname,
    array(
        SELECT array(
            SELECT quote_ident(o.attname) FROM unnest(i.indkey) AS k (n)
            JOIN pg_attribute o ON o.attrelid = c.oid AND o.attnum = k.n WHERE k.n <> f.conkey[1]
        )::text
        FROM pg_index i WHERE i.indrelid = c.oid AND i.indisunique AND f.conkey[1] = ANY (i.indkey::int2[])
    )
FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = f.conkey[1]
WHERE f.contype = 'f' AND f.confrelid = 'public.users'::regclass ORDER BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Referring:
    """A column that refers to users. unique_with: per unique key that it is part of, the other columns of that key."""

    table: str
    column: str
    unique_with: tuple[tuple[str, ...], ...]


def find_learners(db: Session, viewer: Viewer, q: str | None, after: UUID | None, limit: int) -> LearnerPage:
    """Learners whose name, address, number or avatar holds q, by id; all of them without one.

    Under pseudonyms the one whose pseudonym q is; BadRequest when it is none.
    """
    query = select(User).order_by(User.id).limit(limit + 1)
    if q:
        query = query.where(visibility.found_by(viewer, "?q", q, User.name, User.email, User.phone, User.avatar))
    if after:
        query = query.where(User.id > after)
    found = db.scalars(query).all()
    more = found[limit - 1].id if len(found) > limit else None
    return LearnerPage(learners=[_row(viewer, user) for user in found[:limit]], more=more)


def look_up(db: Session, viewer: Viewer, user_id: UUID) -> LearnerRead:
    """A learner as the viewer may see them. NotFound when there is none of this id.

    Under pseudonyms without identifiers, whose keys are hashes that anybody can compute of an address.
    """
    whole = show_learner(db, user_id)
    if viewer.pseudonyms is None:
        return whole
    changed = {
        **visibility.shown(viewer, whole),
        "avatar": None,
        "attributes": visibility.shown_attributes(db, viewer, whole.attributes),
        "identifiers": [],
    }
    return whole.model_copy(update=changed)


def _row(viewer: Viewer, user: User) -> LearnerRow:
    row = LearnerRow.model_validate(user)
    hidden = {} if viewer.pseudonyms is None else {"avatar": None}
    return row.model_copy(update={**visibility.shown(viewer, user), **hidden})


def show_learner(db: Session, user_id: UUID) -> LearnerRead:
    """Everything that is kept about a learner beside statements. NotFound when there is none of this id."""
    user = _found(db, user_id)
    rows = select(UserIdentifier).where(UserIdentifier.user_id == user_id)
    slugs = select(Cohort.slug).join(CohortMember, CohortMember.cohort_id == Cohort.id)
    return LearnerRead(
        **LearnerRow.model_validate(user).model_dump(),
        time_zone=user.time_zone,
        language=user.language,
        attributes=user.attributes,
        cohorts=list(db.scalars(slugs.where(CohortMember.user_id == user_id).order_by(Cohort.slug))),
        identifiers=[
            IdentifierRead(key=row.key, kind=row.kind, value=row.value, created_at=row.created_at)
            for row in db.scalars(rows.order_by(UserIdentifier.created_at, UserIdentifier.key))
        ],
    )


def lock_learners(db: Session, *ids: UUID) -> list[User]:
    """These learners, each locked in the order of their ids, in the order asked for. NotFound when one is missing."""
    locked = {one: db.get(User, one, with_for_update=True) for one in sorted(set(ids))}
    missing = [str(one) for one in ids if locked[one] is None]
    if missing:
        raise NotFound(f"There is no learner {missing[0]}.")
    return [user for one in ids if (user := locked[one]) is not None]


def marks(db: Session, user_id: UUID) -> Marks:
    """By what the learner can be found in what was sent. NotFound when there is no such learner."""
    user = _found(db, user_id)
    rows = db.execute(select(UserIdentifier.kind, UserIdentifier.value).where(UserIdentifier.user_id == user_id))
    more = [*email_identifiers(user.email)] if user.email else []
    more += [Identifier("phone", user.phone)] if user.phone else []
    known = [Identifier(row.kind, row.value) for row in rows]
    # Of an address that is known, its hash is known, whether or not anybody ever used it.
    known += [hashed for one in known if one.kind == "mbox" for hashed in email_identifiers(one.value[7:])]
    return marks_of(known, *more)


def referring_columns(db: Session) -> list[Referring]:
    """Every column of every table that refers to learners by a foreign key."""
    return [
        Referring(
            f'"{schema}"."{table}"',
            f'"{column}"',
            tuple(tuple(filter(None, key[1:-1].split(","))) for key in keys),
        )
        for schema, table, column, keys in db.execute(text(_REFERRING))
    ]


def move_everything(db: Session, source: UUID, target: UUID) -> int:
    """Let all rows that refer to one learner refer to another. Returns how many identifiers moved.

    A row that the other one has already, such as the same cohort, is not needed twice and goes with the learner.
    """
    moved = 0
    for one in referring_columns(db):
        there_already = " AND ".join(
            f"NOT EXISTS (SELECT FROM {one.table} o WHERE o.{one.column} = :target"
            + "".join(f" AND o.{name} = t.{name}" for name in key)
            + ")"
            for key in one.unique_with
        )
        change = f"UPDATE {one.table} t SET {one.column} = :target WHERE t.{one.column} = :source"  # noqa: S608
        done = db.execute(
            text(f"{change} AND {there_already}" if there_already else change), {"source": source, "target": target}
        )
        if one.table == '"public"."user_identifiers"':
            moved = int(done.rowcount)  # type: ignore[attr-defined]
    return moved


def remember_merge(db: Session, gone: UUID, kept: UUID) -> None:
    """Write down as part of whom a learner goes on, in the transaction of the merge."""
    db.add(MergedLearner(gone_id=gone, kept_id=kept, merged_at=clock.now()))


def kept_as(db: Session, gone: UUID) -> UUID | None:
    """The learner whom the one of this id became part of, however many merges ago. None when there is none."""
    return db.scalar(select(MergedLearner.kept_id).where(MergedLearner.gone_id == gone))


def fill_from(db: Session, target: User, source: User) -> None:
    """Add what is known of the source to the target, and take the source away; nothing of the target is overwritten."""
    known = {
        name: getattr(source, name)
        for name in ("name", "email", "phone", "avatar", "time_zone", "language")
        if getattr(target, name) is None and getattr(source, name) is not None
    }
    attributes = {**source.attributes, **target.attributes}
    db.execute(delete(User).where(User.id == source.id))
    db.expunge(source)
    db.execute(update(User).where(User.id == target.id).values(**known, attributes=attributes))


def move_identifiers(db: Session, source: User, target: UUID, keys: Collection[UUID]) -> None:
    """Give these identifiers to another learner; address and number of both follow from what each of them has."""
    db.execute(update(UserIdentifier).where(UserIdentifier.key.in_(keys)).values(user_id=target))
    for column, kind, prefix in (("email", "mbox", "mailto:"), ("phone", "phone", "")):
        for user_id in (source.id, target):
            rows = select(UserIdentifier.value).where(UserIdentifier.user_id == user_id, UserIdentifier.kind == kind)
            values = [
                value.removeprefix(prefix)
                for value in db.scalars(rows.order_by(UserIdentifier.created_at, UserIdentifier.key))
            ]
            held = db.scalar(select(getattr(User, column)).where(User.id == user_id))
            if held not in values:
                fitting = next((value for value in values if len(value) <= 320), None)
                db.execute(update(User).where(User.id == user_id).values({column: fitting}))


def own_rows(db: Session, user_id: UUID) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """What every table that refers to the learner holds of them, by its name; for the learner to read."""
    for one in referring_columns(db):
        rows = db.execute(
            text(f"SELECT to_jsonb(t) FROM {one.table} t WHERE t.{one.column} = :id"),  # noqa: S608
            {"id": user_id},
        )
        yield one.table.replace('"', ""), list(rows.scalars())


def count_rows(db: Session, user_id: UUID) -> dict[str, int]:
    """How many rows of each table go with the learner, the learner included."""
    counts = {"public.users": 1}
    for one in referring_columns(db):
        query = text(f"SELECT count(*) FROM {one.table} t WHERE t.{one.column} = :id")  # noqa: S608
        name = one.table.replace('"', "")
        counts[name] = counts.get(name, 0) + int(db.execute(query, {"id": user_id}).scalar_one())
    return counts


def remove(db: Session, user_id: UUID) -> None:
    """Delete a learner and all rows that refer to them."""
    for one in referring_columns(db):
        db.execute(text(f"DELETE FROM {one.table} t WHERE t.{one.column} = :id"), {"id": user_id})  # noqa: S608
    db.execute(delete(User).where(User.id == user_id))


def implied_keys(db: Session, user_id: UUID, keys: Collection[UUID]) -> set[UUID]:
    """These identifiers of a learner, and the hashes that follow from addresses among them.

    NotFound names those that are not theirs.
    """
    rows = db.execute(select(UserIdentifier).where(UserIdentifier.user_id == user_id)).scalars().all()
    own = {row.key: row for row in rows}
    if strangers := [str(key) for key in keys if key not in own]:
        raise NotFound(f"The learner {user_id} has no identifier {strangers[0]}.")
    found = set(keys)
    for key in keys:
        if own[key].kind == "mbox":
            found |= {one.key for one in email_identifiers(own[key].value.removeprefix("mailto:"))} & own.keys()
    return found


def actor_keys(db: Session, keys: Collection[UUID]) -> list[str]:
    """How flat rows name actors with these identifiers, see accounts.identifiers.person_of."""
    rows = db.execute(select(UserIdentifier.kind, UserIdentifier.value).where(UserIdentifier.key.in_(keys)))
    return [f"{row.kind}:{row.value}" for row in rows]


def count_identifiers(db: Session, user_id: UUID) -> int:
    """By how many identifiers a learner is known."""
    query = select(func.count()).select_from(UserIdentifier).where(UserIdentifier.user_id == user_id)
    return db.scalar(query) or 0


def _found(db: Session, user_id: UUID) -> User:
    user = db.get(User, user_id)
    if user is None:
        raise NotFound(f"There is no learner {user_id}.")
    return user
