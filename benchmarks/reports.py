"""Every report at the door, and the pages that show them, on a course that many have taken: one reader at a time."""

import math
import time
from http.client import HTTPConnection
from uuid import UUID

import orjson

from app.stack.ports import remembered_port
from benchmarks import course
from benchmarks.servers import Bench, server
from benchmarks.telling import tell

ROUNDS = 40
BOUND_MS = 50
PAGE_ROUNDS = 15
PAGE_BOUND_MS = 300
PAGE_BOUND_BYTES = 200_000
SMALL_PAGES = (
    "/ui/admin/keys",
    "/ui/admin/accounts",
    "/ui/admin/audit",
    "/ui/contracts",
    "/ui/db-terminal",
    "/ui/definitions",
    "/ui/parts",
)
"""Pages whose content does not grow with the record; contracts and definitions are the longest to write."""
AS_PROGRAM = {"Authorization": "Bearer bench"}
AS_BROWSER = AS_PROGRAM | {"Accept": "text/html", "Accept-Encoding": "gzip"}


def measure(bench: Bench, count: int) -> None:
    """One line per report: median and 95th percentile at the door; the last line says which was slowest."""
    started = time.perf_counter()
    made = course.fill(bench, count)
    seconds = round(time.perf_counter() - started)
    tell("course filled", statements=count, learners=course.LEARNERS, lessons=course.LESSONS, seconds=seconds)
    slowest = 0.0
    for name, taken, size in read(bench, dict(reports(made))):
        p50, p95 = _percentile(taken, 50), _percentile(taken, 95)
        slowest = max(slowest, p95)
        tell(f"report {name}", p50_ms=round(p50, 1), p95_ms=round(p95, 1), bytes=size, within=p95 < BOUND_MS)
    tell("report, slowest", p95_ms=round(slowest, 1), bound_ms=BOUND_MS, within=slowest < BOUND_MS)
    measure_pages(bench, made)


def measure_pages(bench: Bench, made: course.Course) -> None:
    """One line per page of people: server time as a browser sees it, and what is transferred, compressed."""
    for name, taken, size in read(bench, dict(pages(made)), PAGE_ROUNDS, AS_BROWSER):
        p50, p95 = _percentile(taken, 50), _percentile(taken, 95)
        within = p95 < PAGE_BOUND_MS and size < PAGE_BOUND_BYTES
        tell(f"page {name}", p50_ms=round(p50, 1), p95_ms=round(p95, 1), bytes=size, within=within)


def pages(made: course.Course) -> list[tuple[str, str]]:
    """Each page that somebody can open on this record: those that read the reports, and those of operators."""
    learner = f"/ui/learners/{made.learners[17]}"
    return [
        ("overview", "/ui"),
        ("cohorts", "/ui/cohorts"),
        *((f"cohort, {course.COHORT_SIZES[n]} learners", f"/ui/cohorts/{made.cohorts[n]}") for n in (0, 4)),
        ("lessons", "/ui/lessons"),
        ("lesson", f"/ui/lessons/{made.lessons[19]}"),
        ("texts", f"/ui/lessons/{made.lessons[19]}/answers/{_form(20)}"),
        ("learners", "/ui/learners"),
        ("learners at risk", "/ui/learners?state=behind"),
        ("learners, the latest first", "/ui/learners?sort=-last"),
        ("learner", learner),
        ("merge", f"{learner}/merge?q=77"),
        ("erase", f"{learner}/erase"),
        ("search", "/ui/search?q=77"),
        ("reminders", "/ui/test-reminders"),
        ("reminder of one", f"/ui/test-reminders/learners/{made.learners[17]}"),
        ("reminder history", "/ui/test-reminders/history"),
        ("reminder templates", "/ui/reminder-templates"),
        ("roster", "/ui/roster"),
        ("stream", "/ui/test-etl-streaming"),
        ("sweep", "/ui/test-etl-incremental"),
        ("statements", "/ui/statements"),
        ("dead letters", "/ui/dead-letters"),
        *((path.rpartition("/")[2], path) for path in SMALL_PAGES),
    ]


def reports(made: course.Course) -> list[tuple[str, str]]:
    """Each report by name, on the largest cohort and on one of middling size, on a lesson that most have taken."""
    found: list[tuple[str, str]] = []
    for cohort, size in ((made.cohorts[0], course.COHORT_SIZES[0]), (made.cohorts[4], course.COHORT_SIZES[4])):
        at = f"/api/reports/cohorts/{cohort}"
        for name in ("completions", "overview", "at-risk", "drop-off", "answers"):
            found.append((f"{name}, {size} learners", f"{at}/{name}"))
        found.append((f"completions, {size} learners, days and attribute", f"{at}/completions?{_SOME}"))
        found.append((f"overview, {size} learners, days and attribute", f"{at}/overview?{_SOME}"))
    lesson = made.lessons[19]
    at = f"/api/reports/lessons/{lesson}"
    found += [
        ("incomplete", f"{at}/incomplete"),
        ("incomplete, 500 learners", f"{at}/incomplete?cohort={made.cohorts[4]}"),
        ("answers of a lesson", f"{at}/answers"),
        ("answers of a lesson, 500 learners", f"{at}/answers?cohort={made.cohorts[4]}"),
        ("texts", f"{at}/answers/{_form(20)}/texts"),
        ("texts, searched", f"{at}/answers/{_form(20)}/texts?search=77"),
        ("timeline", f"/api/reports/learners/{made.learners[17]}/timeline"),
    ]
    return found


_SOME = "from=2026-01-10&to=2026-02-20&time_zone=America/New_York&attr.Team=T3"


def _form(lesson: int) -> UUID:
    return course.question(lesson, "form")


def read(
    bench: Bench, wanted: dict[str, str], rounds: int = ROUNDS, headers: dict[str, str] = AS_PROGRAM
) -> list[tuple[str, list[float], int]]:
    """Milliseconds of each reading, and the size of the answer in bytes, by report or page."""
    port = remembered_port(bench.folder / "reports")
    sizes: dict[str, int] = {}
    times: dict[str, list[float]] = {name: [] for name in wanted}
    with server("app.main:create_app", port, "--factory"):
        connection = HTTPConnection("127.0.0.1", port)
        # Report after report in each round, so that a noisy second does not fall on one of them alone.
        for turn in range(rounds + 3):
            for name, path in wanted.items():
                started = time.perf_counter()
                connection.request("GET", path, headers=headers)
                answer = connection.getresponse()
                body = answer.read()
                taken = (time.perf_counter() - started) * 1000
                if answer.status != 200 or (headers == AS_PROGRAM and not orjson.loads(body)):
                    raise RuntimeError(f"{path}: {answer.status} {body[:500]!r}")
                sizes[name] = len(body)
                if turn >= 3:
                    times[name].append(taken)
    return [(name, taken, sizes[name]) for name, taken in times.items()]


def _percentile(values: list[float], percent: int) -> float:
    """The smallest value that at least so many percent of all do not exceed (nearest rank)."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]
