"""A small course whose every figure can be worked out by hand: who did what, when, in which cohort.

The clock stands at NOW, a Tuesday noon in UTC. In Kiritimati it is Wednesday already.

    spring (Europe/Berlin, since 2 March)   lessons 1 (due 3 March), 2 (due 5 March), 3 (due 10 March), 4 (no day)
    autumn (Asia/Tokyo)                     lesson 2 (due 9 March)

    Ann    spring          1 early on 2 March, in 600 s; again on 6 March. 2 late on 8 March, in 200 s
                           3 on 10 March, in 100 s; 4 on 10 March, in 300 s
    Ben    spring, autumn  1 on 3 March, in 200 s. 2 begun on 4 March, its completion voided. Tokyo
    Cyd    spring          1 passed on 9 March, in 0 s (one statement). Kiritimati, where lesson 3 is overdue
    Dee    spring          no statement at all; joined with the others
    Eve    spring, left    completed lessons 1 and 2 before she left
    Fay    autumn          2 answered and not completed
    Gus    spring          joined on 9 March: no statement, not yet silent
    a group completed lesson 1: nobody's
"""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from app.accounts.cohorts import put_cohort
from app.accounts.lessons import lesson_id_of
from app.models import User
from app.schemas import CohortPlan
from tests.statements import completed, lesson
from tests.warehouse.record import load, voids

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
LAUNCHED = "http://adlnet.gov/expapi/verbs/launched"
PASSED = "http://adlnet.gov/expapi/verbs/passed"
ANSWERED = "http://adlnet.gov/expapi/verbs/answered"
_CARD_TYPE = "https://app.7taps.com/xapi/extensions/card-type"

PEOPLE: dict[str, dict[str, Any]] = {
    "Ann": {"attributes": {"Team": "Blue", "Site": "Oslo"}},
    "Ben": {"time_zone": "Asia/Tokyo", "attributes": {"Team": "Red", "Site": "Oslo"}},
    "Cyd": {"time_zone": "Pacific/Kiritimati", "attributes": {"Team": "Blue"}},
    "Dee": {},
    "Eve": {},
    "Fay": {"attributes": {"Team": "Red"}},
    "Gus": {},
}


def at(day: int, time: str = "08:00:00") -> str:
    """A moment of March 2026 in UTC."""
    return f"2026-03-{day:02}T{time}Z"


def did(name: str, number: int, moment: str, verb: str = LAUNCHED, **more: Any) -> dict[str, Any]:
    """What somebody did with a lesson."""
    return completed(f"{name.lower()}@example.org", number, moment, **{"verb": {"id": verb}, **more})


def answer(name: str, card: str, kind: str, response: str | None, moment: str, **result: Any) -> Any:
    """An answer to a card of lesson 2. kind: poll, quiz, rating or form."""
    number = 2
    definition: dict[str, Any] = {
        "type": "http://adlnet.gov/expapi/activities/cmi.interaction",
        "name": {"en": f"{kind} {card}"},
        "interactionType": {"poll": "choice", "quiz": "choice", "rating": "likert", "form": "long-fill-in"}[kind],
    }
    if kind in ("poll", "quiz"):
        definition["choices"] = [
            {"id": "a", "description": {"en": "Oat"}},
            {"id": "b", "description": {"en": "Whole"}},
        ]
    return did(
        name,
        number,
        moment,
        ANSWERED,
        object={"id": f"{lesson(number)['id']}#card-{card}", "definition": definition},
        result={**({} if response is None else {"response": response}), **result},
        context={"contextActivities": {"parent": [lesson(number)]}, "extensions": {_CARD_TYPE: kind}},
    )


def plan(name: str, zone: str, lessons: list[tuple[int, str | None]], learners: str) -> CohortPlan:
    """A cohort as a plan. learners: by their first letters."""
    return CohortPlan.model_validate(
        {
            "name": name,
            "time_zone": zone,
            "lessons": [{"activity_id": lesson(n)["id"], "title": f"Lesson {n}", "due_on": due} for n, due in lessons],
            "learners": [
                {"name": person, "email": f"{person.lower()}@example.org", "time_zone": PEOPLE[person].get("time_zone")}
                for person in PEOPLE
                if person[0] in learners
            ],
        }
    )


def statements() -> list[dict[str, Any]]:
    """Everything that was sent, not in the order in which it happened."""
    bens = did("Ben", 2, at(5), completed()["verb"]["id"])
    by_a_group = did("x", 1, at(3), completed()["verb"]["id"])
    by_a_group["actor"] = {"objectType": "Group", "mbox": "mailto:team@example.org", "name": "Team"}
    done = completed()["verb"]["id"]
    return [
        did("Ann", 1, at(6), done),
        did("Ann", 1, at(2), LAUNCHED),
        did("Ann", 1, at(2, "08:10:00"), done, result={"score": {"scaled": 0.5}}),
        did("Ann", 2, at(8, "21:00:00"), LAUNCHED),
        did("Ann", 2, at(8, "21:03:20"), done),
        did("Ann", 3, at(10), LAUNCHED),
        did("Ann", 3, at(10, "08:01:40"), LAUNCHED, result={"completion": True}),
        did("Ann", 4, at(10, "09:00:00"), LAUNCHED),
        did("Ann", 4, at(10, "09:05:00"), done),
        did("Ben", 1, at(3), LAUNCHED),
        did("Ben", 1, at(3, "08:03:20"), done),
        did("Ben", 2, at(4), LAUNCHED),
        bens,
        voids(bens),
        did("Cyd", 1, at(9), PASSED),
        did("Eve", 1, at(2), done),
        did("Eve", 2, at(3), done),
        by_a_group,
        # lesson 2: a poll, a quiz, a rating, a form
        answer("Ann", "1", "poll", "a", at(8, "21:01:00")),
        answer("Ben", "1", "poll", "a", at(4, "08:01:00")),
        answer("Ben", "1", "poll", "b", at(4, "08:02:00")),
        answer("Fay", "1", "poll", "a[,]b", at(4)),
        answer("Ann", "2", "quiz", "b", at(8, "21:01:10"), success=True),
        answer("Ben", "2", "quiz", "a", at(4, "08:01:10"), success=False),
        answer("Fay", "2", "quiz", "a", at(4), success=False),
        answer("Ann", "3", "rating", "stars-5", at(8, "21:01:20"), score={"raw": 5}),
        answer("Ben", "3", "rating", "stars-2", at(4, "08:01:20")),
        answer("Ann", "10", "form", "I learnt to wait. =1+1", at(8, "21:01:30")),
        answer("Ben", "10", "form", "=HYPERLINK(0) Patience", at(4, "08:01:30")),
        answer("Ben", "10", "form", "Nothing " * 40, at(4, "08:01:40")),
    ]


class Course:
    """The course, in the database. Ids by name and by number."""

    def __init__(self, db: Session):
        spring = [(1, "2026-03-03"), (2, "2026-03-05"), (3, "2026-03-10"), (4, None)]
        self.autumn = put_cohort(db, "autumn", plan("Autumn", "Asia/Tokyo", [(2, "2026-03-09")], "BF")).id
        put_cohort(db, "spring", plan("Spring", "Europe/Berlin", spring, "ABCDEG"))
        load(db, *statements())
        self.spring = put_cohort(db, "spring", plan("Spring", "Europe/Berlin", spring, "ABCDG")).id
        self.people: dict[str, UUID] = {
            row.name: row.id
            for row in db.execute(text("SELECT id, name FROM users WHERE name = ANY(:names)"), {"names": list(PEOPLE)})
        }
        db.execute(text("UPDATE cohort_members SET joined_at = '2026-03-01T00:00:00Z'"))
        db.execute(text("UPDATE cohorts SET starts_on = '2026-03-02' WHERE slug = 'spring'"))
        db.execute(
            text("UPDATE cohort_members SET joined_at = '2026-03-09T00:00:00Z' WHERE user_id = :id"),
            {"id": self.people["Gus"]},
        )
        for name, about in PEOPLE.items():
            db.execute(update(User).where(User.id == self.people[name]).values(attributes=about.get("attributes", {})))
        db.flush()


def lesson_id(number: int) -> UUID:
    """The id of a lesson."""
    return lesson_id_of(str(lesson(number)["id"]))
