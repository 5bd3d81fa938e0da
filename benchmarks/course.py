"""A course that many have taken: learners in cohorts, lessons in order, flat rows and progress, at the speed of COPY.

Rows are what the loader would have written. Bronze and the links of the record are left out: no report reads them.
Everything is drawn from one seed, and the rows lie in the table in the order in which they happened.
"""

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import psycopg2

from app.platform.ids import stable_id
from app.warehouse.silver import COLUMNS
from benchmarks.servers import Bench

LEARNERS = 5_000
LESSONS = 30
COHORT_SIZES = (1_000, 800, 700, 600, 500, 500, 400, 300, 200)
"""The learners of each cohort: together all of them."""
FIRST_DAY = datetime(2026, 1, 5, 6, tzinfo=UTC)
CHUNK = 20_000
_ADL = "http://adlnet.gov/expapi/verbs"
_TYPES = "http://adlnet.gov/expapi/activities"
_CARDS = ("poll", "quiz", "rating", "form")
_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", None)


@dataclass(frozen=True, slots=True)
class Course:
    """Whom and what the reports can be asked about."""

    cohorts: tuple[UUID, ...]
    lessons: tuple[UUID, ...]
    learners: tuple[UUID, ...]


def lesson_url(number: int) -> str:
    """The IRI of a lesson; 1 for the first."""
    return f"https://app.7taps.com/lessons/{number}"


def question(lesson: int, kind: str) -> UUID:
    """The id of the question of this kind in a lesson."""
    return stable_id("activity", f"{lesson_url(lesson)}#card-{_CARDS.index(kind) + 1}")


def course() -> Course:
    """The ids, which follow from the numbers."""
    return Course(
        tuple(UUID(int=1 + number) for number in range(len(COHORT_SIZES))),
        tuple(stable_id("activity", lesson_url(number)) for number in range(1, LESSONS + 1)),
        tuple(UUID(int=(1 << 64) + number) for number in range(LEARNERS)),
    )


def fill(bench: Bench, count: int) -> Course:
    """Write the course with about so many statements, and leave the tables as autovacuum would."""
    made = course()
    rng = random.Random(7)
    connection = psycopg2.connect(bench.database_url.replace("postgresql+psycopg2", "postgresql"))
    connection.autocommit = True
    with connection.cursor() as cursor:
        _people(cursor, made, rng)
        lines: list[str] = []
        for line in _statements(made, count, rng):
            lines.append(line)
            if len(lines) == CHUNK:
                _copy(cursor, lines)
                lines.clear()
        _copy(cursor, lines)
        cursor.execute(
            "INSERT INTO gold.lesson_progress SELECT learner_id, lesson_id, min(occurred_at), max(occurred_at), "
            "min(occurred_at) FILTER (WHERE completes_lesson), count(*), "
            "max(score_scaled) FILTER (WHERE completes_lesson) FROM silver.statements_flat "
            "GROUP BY learner_id, lesson_id ORDER BY min(occurred_at)"
        )
        for table in ("silver.statements_flat", "gold.lesson_progress", "users", "cohort_members", "silver.activities"):
            cursor.execute(f"VACUUM ANALYZE {table}")
    connection.close()
    return made


def _copy(cursor: object, lines: list[str]) -> None:
    rows = io.StringIO("".join(lines))
    cursor.copy_expert(f"COPY silver.statements_flat ({', '.join(COLUMNS)}) FROM STDIN", rows)  # type: ignore[attr-defined]


def _people(cursor: object, made: Course, rng: random.Random) -> None:
    execute = cursor.execute  # type: ignore[attr-defined]
    for number, lesson in enumerate(made.lessons, start=1):
        url = lesson_url(number)
        execute(
            "INSERT INTO lessons (id, activity_id, title) VALUES (%s, %s, %s)", (str(lesson), url, f"Lesson {number}")
        )
        for card, kind in enumerate(_CARDS, start=1):
            definition: dict[str, Any] = {
                "name": {"en": f"{kind} {card} of lesson {number}"},
                "type": f"{_TYPES}/cmi.interaction",
            }
            if kind in ("poll", "quiz"):
                choices = [{"id": one, "description": {"en": f"Choice {one}"}} for one in "abcd"]
                definition |= {"interactionType": "choice", "choices": choices}
            iri = f"{url}#card-{card}"
            execute(
                "INSERT INTO silver.activities VALUES (%s, %s, %s, now())",
                (str(stable_id("activity", iri)), iri, orjson.dumps(definition).decode()),
            )
    people = (
        (str(learner), f"Learner {rng.randrange(10**6)} {place}", f"learner-{place}@example.org", rng.choice(_ZONES))
        for place, learner in enumerate(made.learners)
    )
    rows = io.StringIO(
        "".join(
            f"{key}\t{name}\t{email}\t{zone or chr(92) + 'N'}\troster\t" + f'{{"Team": "T{place % 20}"}}' + "\n"
            for place, (key, name, email, zone) in enumerate(people)
        )
    )
    cursor.copy_expert("COPY users (id, name, email, time_zone, source, attributes) FROM STDIN", rows)  # type: ignore[attr-defined]
    for number, (cohort, starts) in enumerate(zip(made.cohorts, _starts(), strict=True)):
        execute(
            "INSERT INTO cohorts (id, slug, name, time_zone, starts_on) VALUES (%s, %s, %s, 'Europe/Berlin', %s)",
            (str(cohort), f"cohort-{number}", f"Cohort {number}", starts.date()),
        )
        for position, lesson in enumerate(made.lessons, start=1):
            due: date = starts.date() + timedelta(days=position)
            execute(
                "INSERT INTO cohort_lessons (cohort_id, lesson_id, position, due_on) VALUES (%s, %s, %s, %s)",
                (str(cohort), str(lesson), position, due),
            )
    members = "".join(
        f"{made.cohorts[cohort]}\t{made.learners[place]}\t{FIRST_DAY.isoformat()}\n"
        for place, cohort in enumerate(_cohort_of_each())
    )
    cursor.copy_expert("COPY cohort_members (cohort_id, user_id, joined_at) FROM STDIN", io.StringIO(members))  # type: ignore[attr-defined]


def _starts() -> list[datetime]:
    return [FIRST_DAY + timedelta(days=7 * number) for number in range(len(COHORT_SIZES))]


def _cohort_of_each() -> list[int]:
    return [cohort for cohort, size in enumerate(COHORT_SIZES) for _ in range(size)]


def _statements(made: Course, count: int, rng: random.Random) -> Iterator[str]:
    """Lines of COPY, day by day. Each learner does a lesson a day until they stop, a few after the last one."""
    cohorts, starts = _cohort_of_each(), _starts()
    # A lesson is eight statements; most learners do most lessons, and whoever stops does so in the middle of one.
    last = [min(LESSONS, int(rng.triangular(10, LESSONS + 12, LESSONS))) for _ in made.learners]
    per_lesson = max(2, round(count / sum(last)))
    written = 0
    for day in range(LESSONS + 7 * len(COHORT_SIZES)):
        for place in range(len(made.learners)):
            number = day - 7 * cohorts[place] + 1
            if not 1 <= number <= last[place] or written >= count:
                continue
            at = starts[cohorts[place]] + timedelta(days=number - 1, seconds=rng.randrange(50_000))
            stops = number == last[place] < LESSONS and rng.random() < 0.5
            for step in range(per_lesson - stops):
                yield _line(made, place, number, step, steps=per_lesson, at=at + timedelta(seconds=20 * step), rng=rng)
                written += 1


def _line(made: Course, place: int, number: int, step: int, *, steps: int, at: datetime, rng: random.Random) -> str:
    lesson = made.lessons[number - 1]
    url = lesson_url(number)
    email = f"learner-{place}@example.org"
    moment = at.isoformat()
    row: dict[str, object] = {
        "statement_id": UUID(int=rng.getrandbits(128), version=4),
        "learner_id": made.learners[place],
        "actor_key": f"mbox:mailto:{email}",
        "actor_email": email,
        "actor_name": f"Learner {place}",
        "object_type": "Activity",
        "lesson_id": lesson,
        "completes_lesson": "f",
        "duration_s": 20.5,
        "registration": UUID(int=(place << 16) + number),
        "grouping_id": "https://app.7taps.com/course",
        "platform": "7taps",
        "language": "en-US",
        "occurred_at": moment,
        "stored_at": moment,
    }
    if step in (0, steps - 1):
        done = step > 0
        verb = "completed" if done else "launched"
        row |= {"object_id": url, "object_name": f"Lesson {number}", "activity_type": f"{_TYPES}/lesson"}
        row |= {"completes_lesson": "t", "completion": "t", "score_scaled": 0.75} if done else {}
    elif step % 3 == 0:
        verb = "experienced"
        row |= {"object_id": f"{url}#card-9", "object_name": "A card", "parent_id": url}
    else:
        verb = "answered"
        card = (step - step // 3 - 1) % len(_CARDS)
        kind = _CARDS[card]
        iri = f"{url}#card-{card + 1}"
        text = f"I learnt that {rng.randrange(10**6)} things go well together when nobody hurries, " * 2
        response = text if kind == "form" else rng.choice("abcd") if kind != "rating" else str(rng.randint(1, 5))
        row |= {"object_id": iri, "object_name": f"{kind} {card + 1} of lesson {number}", "parent_id": url}
        row |= {"activity_type": f"{_TYPES}/cmi.interaction", "card_type": kind, "response": response}
        row |= {"question_id": stable_id("activity", iri), "completion": "t"}
        row |= {} if kind == "form" else {"choice": response}
        row |= {"success": "t" if response == "b" else "f"} if kind == "quiz" else {}
        row |= {"score_raw": float(response)} if kind == "rating" else {}
    row |= {"verb_id": f"{_ADL}/{verb}", "verb": verb}
    return "\t".join(str(row[name]) if name in row else "\\N" for name in COLUMNS) + "\n"
