"""Every figure of the small course, against what was worked out by hand (see course.py)."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from sqlalchemy.orm import Session

from app.analytics import answers, completions, drop_off, incomplete, overview, texts, timeline
from app.analytics.overview import Limits
from app.analytics.selection import Filters, Page
from app.platform import clock
from tests.rooms.analytics.course import NOW, Course, at, did, lesson_id
from tests.statements import COMPLETED
from tests.warehouse.record import load

ALL = Page(100)
BLUE = Filters(attributes={"Team": ("Blue",)})


@pytest.fixture
def course(db: Session) -> Iterator[Course]:
    """The small course; the clock stands."""
    with clock.set_now(NOW):
        yield Course(db)


def days(first: int | None, last: int | None, zone: str | None = None, **more: Any) -> Filters:
    day = {"first_day": first and date(2026, 3, first), "last_day": last and date(2026, 3, last)}
    return Filters(**{**day, "time_zone": zone, **more})  # type: ignore[arg-type]


def lessons_of(report: Any) -> list[tuple[int, int, float | None]]:
    return [(lesson.started, lesson.completed, lesson.rate) for lesson in report.lessons]


def test_completions_count_each_learner_once_per_lesson(db: Session, course: Course) -> None:
    report = completions.cohort_completions(db, course.spring, Filters(), ALL)
    assert lessons_of(report) == [(3, 3, 0.6), (2, 1, 0.2), (1, 1, 0.2), (1, 1, 0.2)]
    assert (report.learner_count, report.lesson_count, report.rate) == (5, 4, 0.3)
    assert [(one.name, one.completed, one.rate) for one in report.learners] == [
        ("Ann", 4, 1.0),
        ("Ben", 1, 0.25),
        ("Cyd", 1, 0.25),
        ("Dee", 0, 0.0),
        ("Gus", 0, 0.0),
    ]
    first = report.learners[0].lessons[0]
    assert (clock.iso(first.started_at), first.completed_at and clock.iso(first.completed_at)) == (
        "2026-03-02T08:00:00.000000Z",
        "2026-03-02T08:10:00.000000Z",
    )


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (days(3, 8), [(1, 1), (2, 1), (0, 0), (0, 0)]),
        (days(3, 8, "Asia/Tokyo"), [(1, 1), (1, 0), (0, 0), (0, 0)]),
        (days(9, None), [(1, 1), (0, 0), (1, 1), (1, 1)]),
        (days(None, 2), [(1, 1), (0, 0), (0, 0), (0, 0)]),
        (BLUE, [(2, 2), (1, 1), (1, 1), (1, 1)]),
        (Filters(attributes={"Team": ("Blue", "Red"), "Site": ("Oslo",)}), [(2, 2), (2, 1), (1, 1), (1, 1)]),
        (days(3, 8, attributes={"Team": ("Red",)}), [(1, 1), (1, 0), (0, 0), (0, 0)]),
        (Filters(attributes={"Team": ("Green",)}), [(0, 0)] * 4),
        (Filters(lesson_id=lesson_id(2)), [(2, 1)]),
    ],
)
def test_filters_narrow_every_count(
    db: Session, course: Course, filters: Filters, expected: list[tuple[int, int]]
) -> None:
    report = completions.cohort_completions(db, course.spring, filters, ALL)
    assert [(lesson.started, lesson.completed) for lesson in report.lessons] == expected
    shown = [one for learner in report.learners for one in learner.lessons]
    assert sum(one.completed_at is not None for one in shown) == sum(done for _, done in expected)
    look = overview.cohort_overview(db, course.spring, filters, Limits(), ALL)
    assert [(lesson.started, lesson.completed) for lesson in look.lessons] == expected
    assert (look.learner_count, look.completion_rate) == (report.learner_count, report.rate)


def test_the_overview(db: Session, course: Course) -> None:
    report = overview.cohort_overview(db, course.spring, Filters(), Limits(), ALL)
    assert lessons_of(report) == [(3, 3, 0.6), (2, 1, 0.2), (1, 1, 0.2), (1, 1, 0.2)]
    assert (report.completion_rate, report.completed_count, report.learner_count) == (0.3, 6, 5)
    assert (report.started_learner_count, report.finished_learner_count, report.active_learner_count) == (3, 1, 3)
    assert [
        (x.median_seconds_to_complete, x.median_seconds_since_due, x.median_seconds_since_start) for x in report.lessons
    ] == [
        (200.0, 32_600.0, 119_000.0),
        (200.0, 338_600.0, 597_800.0),
        (100.0, 32_500.0, 723_700.0),
        (300.0, None, 727_500.0),
    ]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (
            Limits(),
            [("Dee", ["behind", "silent"], 2, 8), ("Gus", ["behind"], 2, 1), ("Cyd", ["behind"], 2, 1)],
        ),
        (Limits(behind_lessons=3, silent_days=6), [("Dee", ["silent"], 2, 8), ("Ben", ["silent"], 1, 6)]),
        (Limits(behind_lessons=3, silent_days=9), []),
    ],
)
def test_who_is_at_risk_and_why(db: Session, course: Course, limits: Limits, expected: list[Any]) -> None:
    report = overview.cohort_at_risk(db, course.spring, Filters(), limits, ALL)
    assert [(one.name, one.reasons, one.overdue_lessons, one.silent_days) for one in report.at_risk] == expected
    assert report.at_risk_count == len(expected)


def test_a_lesson_done_on_its_day_makes_up_for_none_that_is_overdue(db: Session, course: Course) -> None:
    """Lesson 3 is due today: whoever has completed it is as far behind with the first two as before."""
    load(db, did("Gus", 3, at(10), COMPLETED))
    report = overview.cohort_at_risk(db, course.spring, Filters(), Limits(), ALL)
    assert [(one.name, one.overdue_lessons) for one in report.at_risk] == [("Dee", 2), ("Cyd", 2), ("Gus", 2)]


def test_the_drop_off_accounts_for_everybody(db: Session, course: Course) -> None:
    report = drop_off.cohort_drop_off(db, course.spring, Filters(), ALL)
    assert [(x.step, x.started, x.completed, x.reached, x.reached_rate, x.lost, x.lost_rate) for x in report.steps] == [
        (1, 3, 3, 3, 0.6, 1, 0.3333),
        (2, 2, 1, 2, 0.4, 1, 0.5),
        (3, 1, 1, 1, 0.2, 0, 0.0),
        (4, 1, 1, 1, 0.2, 0, 0.0),
    ]
    assert (report.not_started_count, report.finished_count, report.learner_count) == (2, 1, 5)
    assert report.not_started_count + sum(x.lost for x in report.steps) + report.finished_count == 5


def test_who_has_not_completed_a_lesson(db: Session, course: Course) -> None:
    report = incomplete.lesson_incomplete(db, lesson_id(2), Filters(), ALL)
    assert (report.learner_count, report.incomplete_count, report.overdue_count, report.untouched_count) == (6, 5, 5, 3)
    assert [
        (x.name, [cohort.name for cohort in x.cohorts], str(x.due_on), x.overdue_days) for x in report.learners
    ] == [
        ("Ben", ["Autumn", "Spring"], "2026-03-05", 5),
        ("Cyd", ["Spring"], "2026-03-05", 6),
        ("Dee", ["Spring"], "2026-03-05", 5),
        ("Gus", ["Spring"], "2026-03-05", 5),
        ("Fay", ["Autumn"], "2026-03-09", 1),
    ]
    ben, cyd, dee, *_ = report.learners
    assert ben.started_at
    assert ben.last_activity_at
    assert (clock.iso(ben.started_at), clock.iso(ben.last_activity_at)) == (
        "2026-03-04T08:00:00.000000Z",
        "2026-03-04T08:02:00.000000Z",
    )
    assert cyd.started_at is None
    assert cyd.last_activity_at
    assert (dee.started_at, dee.last_activity_at) == (None, None)


def test_only_in_kiritimati_it_is_overdue_already(db: Session, course: Course) -> None:
    report = incomplete.lesson_incomplete(db, lesson_id(3), Filters(), ALL)
    assert [(x.name, x.overdue_days) for x in report.learners] == [("Ben", 0), ("Cyd", 1), ("Dee", 0), ("Gus", 0)]
    assert report.overdue_count == 1


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (days(6, 9), ["Fay"]),
        (days(None, 5), ["Ben", "Cyd", "Dee", "Gus"]),
        (BLUE, ["Cyd"]),
        (Filters(attributes={"Team": ("Red",)}), ["Ben", "Fay"]),
    ],
)
def test_incomplete_by_day_due_and_attributes(
    db: Session, course: Course, filters: Filters, expected: list[str]
) -> None:
    report = incomplete.lesson_incomplete(db, lesson_id(2), filters, ALL)
    assert [one.name for one in report.learners] == expected
    assert report.incomplete_count == len(expected)


def test_incomplete_of_one_cohort(db: Session, course: Course) -> None:
    report = incomplete.lesson_incomplete(db, lesson_id(2), Filters(cohort_id=course.autumn), ALL)
    assert [(x.name, str(x.due_on), x.overdue_days) for x in report.learners] == [
        ("Ben", "2026-03-09", 1),
        ("Fay", "2026-03-09", 1),
    ]


def told(report: Any) -> list[Any]:
    return [
        (
            x.name,
            x.kind,
            x.learner_count,
            x.answer_count,
            [(one.value, one.text, one.count, one.share) for one in x.distribution],
            (x.judged_count, x.correct_count, x.correct_share),
            (x.rated_count, x.mean),
        )
        for x in report.questions
    ]


def test_the_answers_of_a_cohort(db: Session, course: Course) -> None:
    report = answers.cohort_answers(
        db, course.spring, Filters(cohort_id=course.spring), ALL, lambda *ids: "/".join(map(str, ids))
    )
    assert told(report) == [
        ("poll 1", "poll", 2, 3, [("a", "Oat", 1, 0.5), ("b", "Whole", 1, 0.5)], (0, 0, None), (0, None)),
        ("quiz 2", "quiz", 2, 2, [("a", "Oat", 1, 0.5), ("b", "Whole", 1, 0.5)], (2, 1, 0.5), (0, None)),
        ("rating 3", "rating", 2, 2, [("stars-2", None, 1, 0.5), ("stars-5", None, 1, 0.5)], (0, 0, None), (2, 3.5)),
        ("form 10", "text", 2, 3, [], (0, 0, None), (0, None)),
    ]
    form = report.questions[3]
    assert form.texts == f"{lesson_id(2)}/{form.question_id}"


def test_the_answers_of_a_lesson_are_everybodys(db: Session, course: Course) -> None:
    report = answers.lesson_answers(db, lesson_id(2), Filters(), ALL, lambda *_: "")
    poll, quiz, *_ = told(report)
    assert poll[2:5] == (3, 4, [("a", "Oat", 2, 0.6667), ("b", "Whole", 2, 0.6667)])
    assert quiz[5] == (3, 1, 0.3333)


@pytest.mark.parametrize(
    ("filters", "learners", "choices"),
    [
        (days(8, 8), 1, [("a", 1)]),
        (days(9, None, "Asia/Tokyo"), 1, [("a", 1)]),
        (days(9, None), 0, []),
        (Filters(attributes={"Team": ("Red",)}), 2, [("b", 2), ("a", 1)]),
    ],
)
def test_answers_by_day_and_attribute(
    db: Session, course: Course, filters: Filters, learners: int, choices: list[tuple[str, int]]
) -> None:
    poll = answers.lesson_answers(db, lesson_id(2), filters, ALL, lambda *_: "").questions[0]
    assert (poll.learner_count, [(one.value, one.count) for one in poll.distribution]) == (learners, choices)


@pytest.mark.parametrize(
    ("search", "expected"),
    [(None, ["I learnt", "Nothing ", "=HYPERLI"]), ("PATIENCE", ["=HYPERLI"]), ("%", []), ("=1+1", ["I learnt"])],
)
def test_answers_in_words_are_searched_by_their_letters(
    db: Session, course: Course, search: str | None, expected: list[str]
) -> None:
    form = answers.lesson_answers(db, lesson_id(2), Filters(), ALL, lambda *_: "").questions[3]
    report = texts.text_answers(db, lesson_id(2), form.question_id, Filters(), ALL, search=search)
    assert [one.response[:8] for one in report.answers] == expected


def test_a_timeline_has_what_counts_and_not_what_was_voided(db: Session, course: Course) -> None:
    report = timeline.learner_timeline(db, course.people["Ben"], Filters(), ALL)
    assert [(one.verb, one.lesson_title) for one in report.entries][:3] == [
        ("answered", "Lesson 2"),
        ("answered", "Lesson 2"),
        ("answered", "Lesson 2"),
    ]
    assert [one.occurred_at for one in report.entries] == sorted((x.occurred_at for x in report.entries), reverse=True)
    assert len(report.entries) == 9
    assert report.time_zone == "Asia/Tokyo"
    third = timeline.learner_timeline(db, course.people["Ben"], days(3, 3, lesson_id=lesson_id(1)), ALL)
    assert [clock.iso(one.occurred_at) for one in third.entries] == [
        at(3, "08:03:20.000000"),
        at(3, "08:00:00.000000"),
    ]


def test_a_cohort_without_learners_or_lessons_has_no_shares(db: Session, course: Course) -> None:
    nobody = Filters(attributes={"Team": ("Green",)})
    report = overview.cohort_overview(db, course.spring, nobody, Limits(), ALL)
    assert (report.completion_rate, report.learner_count, report.at_risk) == (None, 0, [])
    assert {lesson.rate for lesson in report.lessons} == {None}
    steps = drop_off.cohort_drop_off(db, course.spring, nobody, ALL).steps
    assert {(step.reached_rate, step.lost_rate) for step in steps} == {(None, None)}
