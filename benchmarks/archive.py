"""A record of as many statements as wanted, written at the speed of COPY.

Rows are what the loader would have written: the links are those of the product's own functions. Half of everything
belongs to one learner, one verb, one activity and one registration, the rest is spread thinly, so that a filter that
matches a lot and one that matches little can be told apart.
"""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson
import psycopg2

from app.etl_incremental import flatten_statement
from app.lrs.filters import keys_of
from app.warehouse.copying import line
from app.warehouse.silver import COLUMNS as _FLAT
from benchmarks.servers import Bench

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
APART = timedelta(milliseconds=10)
CREDENTIAL = "f" * 64
CHUNK = 20_000
FIRST_SEQ = 1_000_000_000
"""Far from the numbers that the sequence gives to statements which are loaded beside these."""
_ADL = "http://adlnet.gov/expapi/verbs"
_LINKS_KEY = "ALTER TABLE silver.statement_links"


def actor(number: int) -> dict[str, object]:
    """The learner of this number; 0 has half of all statements."""
    return {"objectType": "Agent", "name": f"Learner {number}", "mbox": f"mailto:learner-{number}@example.org"}


def verb(number: int) -> str:
    """The verb of this number; 0 has half of all statements."""
    return f"{_ADL}/{('experienced', 'completed', 'passed', 'failed', 'launched')[number % 5]}-{number // 5}"


def activity(number: int) -> str:
    """The activity of this number; 0 has half of all statements."""
    return f"https://courses.example.org/lessons/{number}/cards"


def statement_id(number: int) -> UUID:
    """The id of the statement of this place."""
    return UUID(f"{number:08x}-0000-4000-8000-000000000001")


def registration(number: int) -> UUID:
    """The registration of this number; 0 has half of all statements."""
    return UUID(f"{number:08x}-0000-4000-8000-000000000002")


def fill(bench: Bench, count: int, *, after: int = 0) -> None:
    """Write statements with their flat rows and links until there are that many, and leave the tables as autovacuum
    would. after: how many there are already.
    """
    connection = psycopg2.connect(bench.database_url.replace("postgresql+psycopg2", "postgresql"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"{_LINKS_KEY} DROP CONSTRAINT pk_statement_links")
        for start in range(after, count, CHUNK):
            rows, flat, links = _written(range(start, min(start + CHUNK, count)))
            cursor.copy_expert(
                "COPY bronze.statements_raw (seq, id, payload, content_hash, stored_at, xapi_version, credential_id, "
                "flattened_at) FROM STDIN",
                rows,
            )
            cursor.copy_expert(f"COPY silver.statements_flat ({', '.join(_FLAT)}) FROM STDIN", flat)
            cursor.copy_expert("COPY silver.statement_links (key, stored_at, seq) FROM STDIN", links)
        cursor.execute(f"{_LINKS_KEY} ADD CONSTRAINT pk_statement_links PRIMARY KEY (key, stored_at, seq)")
        cursor.execute("VACUUM ANALYZE bronze.statements_raw")
        cursor.execute("VACUUM ANALYZE silver.statement_links")
        cursor.execute("VACUUM ANALYZE silver.statements_flat")
    connection.close()


def _written(numbers: range) -> tuple[io.StringIO, io.StringIO, io.StringIO]:
    rows, flat, links = io.StringIO(), io.StringIO(), io.StringIO()
    for number in numbers:
        statement = _statement(number)
        stored = (FIRST + number * APART).isoformat()
        text = orjson.dumps(statement).decode().replace("\\", "\\\\")
        rows.write(
            f"{FIRST_SEQ + number}\t{statement['id']}\t{text}\t\\\\x00\t{stored}\t1.0.3\t{CREDENTIAL}\t{stored}\n"
        )
        row = flatten_statement(statement) | {"learner_id": UUID(int=1 + number % 20_000), "stored_at": FIRST}
        flat.write(line(row[name] for name in _FLAT) + "\n")
        for key in keys_of(statement, CREDENTIAL):
            links.write(f"{key}\t{stored}\t{FIRST_SEQ + number}\n")
    rows.seek(0)
    flat.seek(0)
    links.seek(0)
    return rows, flat, links


def _statement(number: int) -> dict[str, object]:
    common = number % 2 == 0
    spread = number // 2
    lesson = activity(0 if common else 1 + spread % 500)
    return {
        "id": str(statement_id(number)),
        "actor": actor(0 if common else 1 + spread % 20_000),
        "verb": {"id": verb(0 if common else 1 + spread % 40), "display": {"en": "did"}},
        "object": {
            "objectType": "Activity",
            "id": lesson,
            "definition": {"name": {"en": f"A card of lesson {number % 500}"}, "type": f"{_ADL}/../activities/lesson"},
        },
        "result": {"completion": True, "duration": "PT42.50S", "response": f"An answer of some length, no. {number}"},
        "context": {
            "registration": str(registration(0 if common else 1 + spread % 50_000)),
            "platform": "7taps",
            "language": "en",
            "contextActivities": {"parent": [{"objectType": "Activity", "id": lesson + "/parent"}]},
        },
        "timestamp": (FIRST + number * APART).isoformat(),
    }


def filters(count: int) -> Iterator[tuple[str, dict[str, str]]]:
    """Each single filter, as (its name, its parameters): with many matches, with few, with none."""
    late, early = (FIRST + (count * share // 100) * APART for share in (50, 1))
    yield "no filter", {}
    yield "no filter, ascending", {"ascending": "true"}
    yield "statementId", {"statementId": str(statement_id(count // 3))}
    for name, number in (("many", 0), ("few", 7), ("none", 999_999_999)):
        agent = orjson.dumps(actor(number)).decode()
        yield f"agent, {name}", {"agent": agent}
        yield f"related_agents, {name}", {"agent": agent, "related_agents": "true"}
        yield f"verb, {name}", {"verb": verb(number)}
        yield f"activity, {name}", {"activity": activity(number)}
        yield f"related_activities, {name}", {"activity": activity(number) + "/parent", "related_activities": "true"}
        yield f"registration, {name}", {"registration": str(registration(number))}
    yield "since, half", {"since": late.isoformat()}
    yield "until, half", {"until": late.isoformat()}
    yield "until, one in a hundred", {"until": early.isoformat()}
