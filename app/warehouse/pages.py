"""Pages of statements in the order of storing. Every filter is a range of one index, walked until the page is full."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.warehouse.cursor import raw_cursor

COUNTED_AT_MOST = 2_000
"""How far two filters are counted to see which one leads: the smaller one is walked, the others are looked up."""

_COLUMNS = "r.id, r.seq, r.stored_at, r.payload::text, r.xapi_version, r.credential_id"


@dataclass(frozen=True, slots=True)
class Page:
    """What to look for. keys: per filter the keys of which one has to match. after: (stored_at, seq) to go on from.

    credential_id: only statements that this credential stored.
    """

    keys: Sequence[Sequence[UUID]]
    since: datetime | None
    until: datetime | None
    after: tuple[datetime, int] | None
    ascending: bool
    limit: int
    credential_id: str | None = None


@dataclass(frozen=True, slots=True)
class FoundStatement:
    """A statement of the record. payload: its text as sent."""

    id: UUID
    seq: int
    stored_at: datetime
    payload: str
    xapi_version: str
    credential_id: str


def by_id(db: Session, statement_id: UUID, *, voided: bool, credential_id: str | None = None) -> FoundStatement | None:
    """The statement with this id, among the voided ones or among the others."""
    query = f"SELECT {_COLUMNS} FROM bronze.statements_raw r WHERE r.id = %s AND (r.voided_by IS NOT NULL) = %s"  # noqa: S608
    with raw_cursor(db) as cursor:
        cursor.execute(query, (statement_id, voided))
        row = cursor.fetchone()
    found = FoundStatement(*row) if row else None
    return found if found and credential_id in (None, found.credential_id) else None


def find(db: Session, page: Page) -> list[FoundStatement]:
    """The statements of a page, in order. Ask for one more than is shown to know whether others follow."""
    with raw_cursor(db) as cursor:
        query, parameters = page_query(page, _led_by_smallest(cursor, page.keys))
        cursor.execute(query, parameters)
        return [FoundStatement(*row) for row in cursor.fetchall()]


def page_query(page: Page, keys: Sequence[Sequence[UUID]]) -> tuple[str, dict[str, object]]:
    """The SQL of a page whose first filter leads. Each key of it is one ordered walk that ends with a full page."""
    direction, beyond = ("ASC", ">") if page.ascending else ("DESC", "<")
    parameters: dict[str, object] = {"limit": page.limit}
    conditions: list[str] = []
    if page.since:
        conditions.append("l.stored_at > %(since)s")
        parameters["since"] = page.since
    if page.until:
        conditions.append("l.stored_at <= %(until)s")
        parameters["until"] = page.until
    if page.after:
        conditions.append(f"(l.stored_at, l.seq) {beyond} (%(after_stored)s, %(after_seq)s)")
        parameters["after_stored"], parameters["after_seq"] = page.after
    if page.credential_id:
        parameters["credential"] = page.credential_id
        own = "r.credential_id = %(credential)s"
        conditions.append(
            f"EXISTS (SELECT FROM bronze.statements_raw r WHERE r.seq = l.seq AND {own})"
            if keys
            else own.replace("r.", "l.")
        )
    for place, others in enumerate(keys[1:]):
        conditions.append(
            "EXISTS (SELECT FROM silver.statement_links o WHERE o.key = ANY(%(others"
            f"{place})s::uuid[]) AND o.stored_at = l.stored_at AND o.seq = l.seq)"
        )
        parameters[f"others{place}"] = list(others)
    order = f"ORDER BY l.stored_at {direction}, l.seq {direction} LIMIT %(limit)s"
    walks: list[str] = []
    if keys:
        for place, key in enumerate(keys[0]):
            parameters[f"key{place}"] = key
            where = " AND ".join([f"l.key = %(key{place})s", *conditions])
            links = f"SELECT l.stored_at, l.seq FROM silver.statement_links l WHERE {where} {order}"  # noqa: S608
            walks.append(f"({links})")
    else:
        where = " AND ".join(["l.voided_by IS NULL", *conditions])
        walks.append(f"(SELECT l.stored_at, l.seq FROM bronze.statements_raw l WHERE {where} {order})")  # noqa: S608
    merged = walks[0]
    if len(walks) > 1:
        merged = f"(SELECT l.stored_at, l.seq FROM ({' UNION '.join(walks)}) AS l {order})"  # noqa: S608
    return (
        f"SELECT {_COLUMNS} FROM {merged} AS page JOIN bronze.statements_raw r ON r.seq = page.seq "  # noqa: S608
        f"ORDER BY page.stored_at {direction}, page.seq {direction}",
        parameters,
    )


def _led_by_smallest(cursor: object, keys: Sequence[Sequence[UUID]]) -> Sequence[Sequence[UUID]]:
    if len(keys) < 2:
        return keys
    counted: list[tuple[int, int]] = []
    for place, some in enumerate(keys):
        cursor.execute(  # type: ignore[attr-defined]
            "SELECT count(*) FROM (SELECT FROM silver.statement_links WHERE key = ANY(%s::uuid[]) LIMIT %s) AS counted",
            (list(some), COUNTED_AT_MOST),
        )
        counted.append((cursor.fetchone()[0], place))  # type: ignore[attr-defined]
    return [keys[place] for _, place in sorted(counted)]
