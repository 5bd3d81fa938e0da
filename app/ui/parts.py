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


class PartRow(BaseModel):
    """A row of the grid."""

    name: str
    cells: list[str]


class PartsPage(BaseModel):
    """What the parts are shown with."""

    stats: list[PartStat]
    learners: list[PartLearner]
    lessons: list[str]
    grid: list[PartRow]


@router.get("/ui/parts", response_model=PartsPage, responses=HTML, dependencies=[needs("accounts:write")])
def get_parts(request: Request) -> Response:
    """Every part that pages are made of, in the theme of the viewer."""
    now = clock.now()
    names = ("Ana Souza", "Björn Ångström-Wedderburn", "李 小龍", "Nnamdi Okonkwo", "Zoë", "Ravi Chandrasekhar")
    patterns = ("dddddddddddd", "ddddddplnnnn", "dddlllnnnnnn", "dpnnnnnnnnnn", "nnnnnnnnnnnn", "ddddddddddpn")
    kinds = {"d": "done", "p": "progress", "l": "late", "n": "none"}
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
        PartRow(name=name, cells=[kinds[one] for one in pattern]) for name, pattern in zip(names, patterns, strict=True)
    ]
    page = PartsPage(stats=stats, learners=learners, lessons=[f"Lesson {n}" for n in range(1, 13)], grid=grid)
    return show(request, "parts_page.html", page)
