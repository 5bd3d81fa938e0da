"""A record with something of everything, what is derived from it, and ways to do that harm."""

from typing import Any
from uuid import uuid4

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.database import session_scope
from app.etl_incremental import Incoming, load_statements, run_incremental_etl, settle, store_statements
from tests.statements import answered, completed, lesson
from tests.warehouse.record import CONFIRMED, Statement, incoming, refers_to, voids

OTHER_SENDER = "e" * 64

ROWS = {
    "flat": "SELECT * FROM silver.statements_flat ORDER BY statement_id",
    "links": "SELECT * FROM silver.statement_links ORDER BY key, stored_at, seq",
    "refs": "SELECT * FROM silver.statement_refs ORDER BY statement_id",
    "activities": "SELECT key, iri, definition::text, updated_at FROM silver.activities ORDER BY key",
    "verbs": "SELECT key, iri, display::text, updated_at FROM silver.verbs ORDER BY key",
    "marks": "SELECT id, seq, voided_by, flattened_at, flatten_error FROM bronze.statements_raw ORDER BY id",
    "gold": "SELECT * FROM gold.lesson_progress ORDER BY learner_id, lesson_id",
}
"""Everything derived, every column; the text of definitions, as JSON has no order of its own."""

MOMENTS = {"refs": "resolved_at", "activities": "updated_at", "verbs": "updated_at", "marks": "flattened_at"}
"""Columns that say when something was written: of rows that were damaged, only whether they are NULL can be equal."""

Rows = dict[str, list[dict[str, Any]]]


def rows(db: Session, *, with_moments: bool = True) -> Rows:
    """All that is derived. Without moments: of the columns in MOMENTS only whether they are NULL."""
    found = {name: [dict(row) for row in db.execute(text(query)).mappings()] for name, query in ROWS.items()}
    if not with_moments:
        for name, column in MOMENTS.items():
            for row in found[name]:
                row[column] = row[column] is None
    return found


def committed_rows(*, with_moments: bool = True) -> Rows:
    """All that is derived and committed."""
    with session_scope() as db:
        return rows(db, with_moments=with_moments)


def rows_of_a_fresh_load() -> Rows:
    """What the stored statements come to when all that was derived is thrown away and they are swept, in order."""
    with session_scope() as db:
        tables = (
            "silver.statements_flat, silver.statement_links, silver.statement_refs, silver.activities, silver.verbs"
        )
        db.execute(text(f"TRUNCATE {tables}, gold.lesson_progress"))
        db.execute(text("UPDATE bronze.statements_raw SET flattened_at = NULL, flatten_error = NULL, voided_by = NULL"))
        run_incremental_etl(db, limit=1_000_000)
        settle(db)
    return committed_rows(with_moments=False)


def load(*statements: Statement, place: int = 0, credential_id: str = "f" * 64, defines: bool = True) -> None:
    """One batch of the stream, committed."""
    with session_scope() as db:
        load_statements(db, _accepted(statements, place, credential_id, defines))


def store(*statements: Statement, place: int = 0, credential_id: str = "f" * 64, defines: bool = True) -> None:
    """What the door stores itself, for the sweep; committed."""
    with session_scope() as db:
        store_statements(db, _accepted(statements, place, credential_id, defines))


def sweep() -> None:
    """Flatten what waits; committed."""
    with session_scope() as db:
        run_incremental_etl(db)
        settle(db)


def _accepted(statements: tuple[Statement, ...], place: int, credential_id: str, defines: bool) -> list[Incoming]:
    return [incoming(one, place + n, credential_id, defines) for n, one in enumerate(statements)]


def worded(number: int, word: str, **more: Any) -> Statement:
    """A statement that says of an activity and of a verb what they are called."""
    activity = lesson(number)
    activity["definition"] |= {"description": {"en": f"{word} \x00"}, "extensions": {f"x:{word}": number}}
    return completed(object=activity, verb={"id": CONFIRMED, "display": {"en": word}}, **more)


def rich_record() -> list[Statement]:
    """Load a record with something of everything, and return its statements in the order of seq."""
    plain = [answered(f"p{n % 3}@example.org", n % 4) for n in range(6)]
    done = [completed(f"p{n % 3}@example.org", n, at=f"2026-03-0{n + 2}T08:00:00Z") for n in range(4)]
    group = completed(
        actor={"objectType": "Group", "name": "Us", "member": [{"mbox": "mailto:p1@example.org"}]},
        context={"registration": str(uuid4()), "team": {"objectType": "Group", "mbox": "mailto:team@example.org"}},
    )
    known = completed(actor={"objectType": "Group", "mbox": "mailto:team@example.org"})
    end, early = completed("end@example.org", 5), completed("early@example.org", 6)
    middle = refers_to(end)
    chain = [middle, refers_to(middle), end]
    twice = voids(done[0])
    record: list[Statement] = []

    def batch(way: Any, *statements: Statement, **more: Any) -> None:
        way(*statements, place=10 * len(record), **more)
        record.extend(one for one in statements if one not in record)

    batch(load, *plain, *done, plain[0])
    batch(load, voids(early), worded(1, "first"), group, known)
    batch(load, early, refers_to(plain[1]), plain[2])
    batch(load, *chain[:2], worded(1, "second"), credential_id=OTHER_SENDER)
    batch(load, chain[2], worded(1, "unheard"), worded(7, "unheard"), credential_id=OTHER_SENDER, defines=False)
    batch(store, worded(2, "stored"), voids(done[1]), refers_to(done[1]), completed("late@example.org", 8))
    sweep()
    batch(load, twice, voids(done[0]), voids(twice), refers_to(uuid4()), voids(uuid4()))
    batch(load, worded(1, "third"), refers_to(chain[1]), refers_to(done[0]))
    batch(load, done[0], plain[0])
    return record


HARM: dict[str, list[str]] = {
    "nothing": [],
    "flat rows gone": ["DELETE FROM silver.statements_flat WHERE object_id LIKE '%/lessons/1%'"],
    "flat rows wrong": [
        "UPDATE silver.statements_flat SET lesson_id = gen_random_uuid(), verb = 'x' WHERE completes_lesson",
        "UPDATE silver.statements_flat SET learner_id = gen_random_uuid() WHERE score_scaled IS NOT NULL",
        "UPDATE silver.statements_flat SET response = NULL, duration_s = 1 WHERE response = 'b'",
    ],
    "flat rows of nobody": [
        "CREATE TEMP TABLE f ON COMMIT DROP AS SELECT * FROM silver.statements_flat",
        "UPDATE f SET statement_id = gen_random_uuid()",
        "INSERT INTO silver.statements_flat SELECT * FROM f",
    ],
    "flat rows of voided ones": [
        "CREATE TEMP TABLE g ON COMMIT DROP AS "
        "SELECT * FROM silver.statements_flat WHERE lesson_id IS NOT NULL LIMIT 1",
        "INSERT INTO silver.statements_flat "
        "SELECT (jsonb_populate_record(g, jsonb_build_object('statement_id', r.id))).* "
        "FROM g, bronze.statements_raw r WHERE r.voided_by IS NOT NULL",
    ],
    "links gone": ["DELETE FROM silver.statement_links WHERE seq % 2 = 0"],
    "links wrong": [
        "UPDATE silver.statement_links SET key = gen_random_uuid() WHERE seq % 3 = 0",
        "UPDATE silver.statement_links SET stored_at = stored_at + interval '1 day' WHERE seq % 3 = 1",
    ],
    "links of voided ones": [
        "INSERT INTO silver.statement_links SELECT gen_random_uuid(), stored_at, seq FROM bronze.statements_raw",
    ],
    "links of nobody": [
        "INSERT INTO silver.statement_links SELECT key, stored_at, seq + 1000000 FROM silver.statement_links",
    ],
    "references gone": ["DELETE FROM silver.statement_refs"],
    "references wrong": [
        "UPDATE silver.statement_refs r SET target_id = (SELECT id FROM bronze.statements_raw s "
        "WHERE voided_by IS NULL AND s.id <> r.statement_id ORDER BY seq LIMIT 1)",
        "UPDATE silver.statement_refs SET voids = NOT voids",
    ],
    "references of nobody": [
        "INSERT INTO silver.statement_refs SELECT gen_random_uuid(), id, true, now() FROM bronze.statements_raw",
        "INSERT INTO silver.statement_refs SELECT target_id, statement_id, true, NULL FROM silver.statement_refs "
        "ON CONFLICT DO NOTHING",
    ],
    "references followed, and not": [
        "UPDATE silver.statement_refs SET resolved_at = CASE WHEN resolved_at IS NULL THEN now() END",
    ],
    "definitions gone": ["DELETE FROM silver.activities", "DELETE FROM silver.verbs"],
    "definitions wrong": [
        'UPDATE silver.activities SET definition = \'{"name": {"en": "no"}}\'',
        "UPDATE silver.verbs SET display = '{}', iri = 'x:y'",
        "INSERT INTO silver.verbs VALUES (gen_random_uuid(), 'x:z', '{}', now())",
    ],
    "voided marks gone": ["UPDATE bronze.statements_raw SET voided_by = NULL"],
    "voided marks wrong": [
        "UPDATE bronze.statements_raw r SET voided_by = (SELECT id FROM bronze.statements_raw ORDER BY seq LIMIT 1) "
        "WHERE voided_by IS NULL",
        "DELETE FROM silver.statements_flat WHERE object_type = 'Activity'",
    ],
    "marks gone": ["UPDATE bronze.statements_raw SET flattened_at = NULL"],
}
HARM["everything but marks"] = [one for kind, some in HARM.items() if kind != "marks gone" for one in some]
HARM["everything at once"] = [one for kind, some in HARM.items() if "every" not in kind for one in some]
HARM["silver empty"] = [
    "TRUNCATE silver.statements_flat, silver.statement_links, silver.statement_refs, silver.activities, silver.verbs"
]

GOLD_HARM: dict[str, list[str]] = {
    "nothing": [],
    "gone": ["DELETE FROM gold.lesson_progress"],
    "wrong": ["UPDATE gold.lesson_progress SET statement_count = 7, completed_at = now(), best_score_scaled = 0.1"],
    "of nobody": ["INSERT INTO gold.lesson_progress VALUES (gen_random_uuid(), gen_random_uuid(), now())"],
    "untouched": ["INSERT INTO gold.lesson_progress VALUES (gen_random_uuid(), gen_random_uuid())"],
}


def harm(*statements: str) -> None:
    """Damage what is derived, and commit the damage."""
    with session_scope() as db:
        for statement in statements:
            db.execute(text(statement.replace(":", "\\:")))
