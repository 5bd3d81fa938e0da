"""All parts in one place, with data that looks real: the living style guide, where looks are checked first."""

from datetime import datetime, timedelta

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from app.access.callers import needs
from app.platform import clock
from app.ui.pages import HTML, show

router = APIRouter(tags=["Pages"])


class PartStat(BaseModel):
    """A number with all that belongs to it."""

    label: str
    value: str
    period: str
    change: str
    trend: str
    meaning: str


class PartLearner(BaseModel):
    """A row of the table."""

    name: str
    kind: str
    state: str
    completed: int
    share: float | None
    last: datetime | None


class PartLesson(BaseModel):
    """A column of the grid."""

    id: str
    title: str
    position: int
    rate: float


class PartRow(BaseModel):
    """A row of the grid."""

    id: str
    name: str
    completed: int
    last_activity_at: datetime | None
    cells: str


class PartsPage(BaseModel):
    """What the parts are shown with."""

    stats: list[PartStat]
    learners: list[PartLearner]
    lessons: list[PartLesson]
    grid: list[PartRow]


@router.get("/ui/parts", response_model=PartsPage, responses=HTML, dependencies=[needs("accounts:write")])
def get_parts(request: Request) -> Response:
    """Every part that pages are made of, in the theme of the viewer."""
    now = clock.now()
    names = ("Ana Souza", "Björn Ångström-Wedderburn", "李 小龍", "Nnamdi Okonkwo", "Zoë", "Ravi Chandrasekhar")
    patterns = ("dddddddddddd", "ddddddplnnnn", "dddlllnnnnnn", "dpnnnnnnnnnn", "nnnnnnnnnnnn", "ddddddddddpn")
    stats = [
        PartStat(label=label, value=value, period=period, change=change, trend=trend, meaning=meaning)
        for label, value, period, change, trend, meaning in (
            ("Active learners", "184", "of 300, last 7 days", "+12", "good", "Learners with any activity."),
            ("Completions", "1 204", "today, Europe/Berlin", "−8 %", "bad", "First completions of a lesson."),
            ("Completion rate", "41 %", "all cohorts", "as last week", "", "Completed pairs out of all pairs."),
            ("Median time", "–", "nobody has completed it yet", "", "", "Between start and completion."),
        )
    ]
    learners = [
        PartLearner(name=names[0], kind="done", state="Done", completed=12, share=1, last=now - timedelta(minutes=3)),
        PartLearner(name=names[1], kind="progress", state="Under way", completed=6, share=0.5, last=now - timedelta(2)),
        PartLearner(name=names[2], kind="late", state="Late", completed=3, share=0.25, last=now - timedelta(11)),
        PartLearner(name=names[4], kind="none", state="Not started", completed=0, share=None, last=None),
    ]
    grid = [
        PartRow(
            id=str(place),
            name=name,
            completed=pattern.count("d"),
            last_activity_at=now - timedelta(hours=7 * place) if pattern.count("n") < len(pattern) else None,
            cells=pattern,
        )
        for place, (name, pattern) in enumerate(zip(names, patterns, strict=True))
    ]
    lessons = [PartLesson(id=str(n), title=f"Lesson {n}", position=n, rate=(13 - n) / 14) for n in range(1, 13)]
    page = PartsPage(stats=stats, learners=learners, lessons=lessons, grid=grid)
    return show(request, "parts_page.html", page)
