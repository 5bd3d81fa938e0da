"""What reports can be asked for: filters, pages, formats. Each wrong parameter is named in the answer."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from app.accounts import visibility
from app.analytics.answers import PAGE_MAX_QUESTIONS, PAGE_QUESTIONS
from app.analytics.overview import Limits
from app.analytics.parameters import (
    ATTRIBUTE,
    MAX_ATTRIBUTES,
    MAX_CHARACTERS,
    MAX_CURSOR_CHARACTERS,
    Day,
    attributes_in,
    filters_by,
    wrong,
)
from app.analytics.rules import BEHIND_LESSONS, SILENT_DAYS
from app.analytics.selection import PAGE_MAX_ROWS, PAGE_ROWS, Filters
from app.schemas import Storable

Word = Annotated[str, Field(min_length=1, max_length=MAX_CHARACTERS), Storable]
Cursor = Annotated[str, Field(min_length=1, max_length=MAX_CURSOR_CHARACTERS), Storable]


class ReportQuery(BaseModel):
    """Every report: its format. Parameters that begin with `attr.` filter by attributes where a report has that."""

    model_config = ConfigDict(extra="allow")

    format: Literal["json", "csv", "xlsx"] | None = Field(None, description="else by Accept; json if that is no help")


class DaysQuery(ReportQuery):
    """Reports on what happened on some days."""

    first_day: Day | None = Field(None, alias="from", description="first day, included, such as 2026-03-02")
    last_day: Day | None = Field(None, alias="to", description="last day, included")
    time_zone: Word | None = Field(None, description="IANA name; the days are days there. Default: the cohort's")


class PageQuery(BaseModel):
    """Reports that come in pages; files hold all of them."""

    limit: int | None = Field(None, ge=1, le=PAGE_MAX_ROWS, description=f"rows on a page of JSON; {PAGE_ROWS} if none")
    cursor: Cursor | None = Field(None, description="where a page goes on: in `next` of the one before")


class DropOffQuery(DaysQuery):
    """The drop-off of a cohort."""


class CompletionsQuery(DaysQuery, PageQuery):
    """The completions of a cohort."""

    lesson: UUID | None = Field(None, description="only this lesson")


class IncompleteQuery(ReportQuery, PageQuery):
    """Who has not completed a lesson. The days are those on which it is due, wherever the learner is."""

    cohort: UUID | None = Field(None, description="only learners of this cohort")
    first_day: Day | None = Field(None, alias="from", description="due on this day or later")
    last_day: Day | None = Field(None, alias="to", description="due on this day or before")


class _RiskQuery(BaseModel):
    behind_lessons: int = Field(BEHIND_LESSONS, ge=1, le=500, description="at risk: so many lessons overdue")
    silent_days: int = Field(SILENT_DAYS, ge=1, le=3_650, description="at risk: so many days without activity")
    limit: int | None = Field(
        None, ge=1, le=PAGE_MAX_ROWS, description=f"learners at risk on a page; {PAGE_ROWS} if none"
    )

    @property
    def limits(self) -> Limits:
        """From when on somebody is at risk."""
        return Limits(self.behind_lessons, self.silent_days)


class OverviewQuery(DaysQuery, _RiskQuery):
    """How a cohort is doing. The days are about its lessons; who is at risk is told as of now."""


class AtRiskQuery(ReportQuery, _RiskQuery):
    """Who is at risk."""

    cursor: Cursor | None = Field(None, description="where a page goes on: in `next` of the one before")


class _AnswersQuery(DaysQuery):
    limit: int | None = Field(
        None, ge=1, le=PAGE_MAX_QUESTIONS, description=f"questions on a page of JSON; {PAGE_QUESTIONS} if none"
    )
    cursor: Cursor | None = Field(None, description="where a page goes on: in `next` of the one before")


class CohortAnswersQuery(_AnswersQuery):
    """What a cohort answered."""

    lesson: UUID | None = Field(None, description="only this lesson")


class LessonAnswersQuery(_AnswersQuery):
    """What was answered in a lesson."""

    cohort: UUID | None = Field(None, description="only learners of this cohort")


class TextsQuery(DaysQuery, PageQuery):
    """Answers in words."""

    cohort: UUID | None = Field(None, description="only learners of this cohort")
    search: Word | None = Field(None, description="only answers that hold these letters, in either case")


class TimelineQuery(DaysQuery, PageQuery):
    """What one learner did."""

    lesson: UUID | None = Field(None, description="only this lesson")


BY_ATTRIBUTES: dict[str, Any] = {
    "parameters": [
        {
            "name": "attributes",
            "in": "query",
            "style": "form",
            "explode": True,
            "description": (
                "Only learners with these attributes, by the headings of the roster: `attr.Team=Blue&attr.Site=Oslo`. "
                f"At most {MAX_ATTRIBUTES} of them. Several values of one attribute (`attr.Team=Blue&attr.Team=Red`) "
                "are alternatives, several attributes all have to fit."
            ),
            "schema": {
                "type": "object",
                "propertyNames": {"pattern": r"^attr\..{1,200}$"},
                "additionalProperties": {"type": "string", "maxLength": 200},
                "maxProperties": MAX_ATTRIBUTES,
            },
            "examples": {
                "everybody": {"value": {}},
                "one team at one site": {"value": {"attr.Team": "Blue", "attr.Site": "Oslo"}},
            },
        }
    ]
}
"""For `openapi_extra` of a report that can be narrowed: parameters whose names nobody knows before. In the style form,
exploded, the properties of the object are parameters of their own (OpenAPI 3.1, 4.8.12).
"""


def filters_of(request: Request, query: ReportQuery, *, attributes: bool = True) -> Filters:
    """The filters of a request. BadRequest names parameters that no report has, and attributes that are not right."""
    more = query.model_extra or {}
    for name in more:
        if not (attributes and name.startswith(ATTRIBUTE)):
            raise wrong(name, "is no parameter of this report", "One that the description of this door lists")
    found = attributes_in({name: request.query_params.getlist(name) for name in more})
    return filters_by(visibility.admin(), query, found)


def is_about_risk(name: str) -> bool:
    """Whether the report of who is at risk takes this parameter of the overview."""
    return name in ("behind_lessons", "silent_days", "limit") or name.startswith(ATTRIBUTE)
