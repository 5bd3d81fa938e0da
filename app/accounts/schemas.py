"""What people who look after learners ask for and get, at the doors and from the command line."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.schemas import CohortSlug, DaysAfter, Lessons, Link, Name, ProblemRead, StartDay, Strict, Text200

PAGE_LEARNERS = 50
PAGE_MAX_LEARNERS = 200
PAGE_LESSONS = 500

RowVerdict = Literal["new", "known", "changed", "invalid", "duplicate"]


class RowRead(BaseModel):
    """What a row of a roster is, or was when it was applied. row: as a spreadsheet counts, the headings being row 1.

    new: nobody is known by any of its identifiers. changed: `changes` names the fields that differ. duplicate: the same
    person as row `duplicate_of`; only its group and team count.
    """

    row: int
    verdict: RowVerdict
    learner_id: UUID | None = None
    cohort: str | None = None
    changes: list[str] = []
    duplicate_of: int | None = None
    problems: list[ProblemRead] = []


class ImportRead(BaseModel):
    """How far an import is. outcome: done, failed; null while it runs. counts: rows by verdict."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    kind: str
    actor: str
    rows_total: int
    rows_done: int
    outcome: str | None
    counts: dict[str, int]
    started_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class RosterRead(BaseModel):
    """What a roster comes to, row by row. applied: whether it was only looked at. columns: heading to what it is."""

    applied: bool
    import_id: UUID | None
    rows: int
    counts: dict[str, int]
    cohorts: dict[str, str]
    columns: dict[str, str]
    verdicts: list[RowRead]


class ResponsesRead(BaseModel):
    """What an export of responses comes to. queued: new ones, durable now. known: stored before.

    repeated: rows that say the same as one before; each is an answer of its own, and in queued or known like others.
    """

    applied: bool
    import_id: UUID | None
    rows: int
    queued: int
    known: int
    repeated: int
    skipped: int
    problems: list[ProblemRead]


class LessonRead(BaseModel):
    """A lesson of the catalogue. url: where learners open it: the link, or the activity's own address if it is one."""

    id: UUID
    activity_id: str
    title: str | None
    link: str | None
    url: str | None


class LessonChange(Strict):
    """What an admin says of a lesson; all of it is replaced. null: not known, or no link of its own."""

    title: Text200 | None = None
    link: Link | None = None


class LessonPlanRead(BaseModel):
    """A lesson of a cohort, in order, with the day it is due. due_after_days: counted from the cohort's first day."""

    id: UUID
    activity_id: str
    title: str | None
    position: int
    due_on: date | None
    due_after_days: int | None


class CourseRead(BaseModel):
    """The lessons of a cohort in order."""

    cohort: str
    starts_on: date | None
    lessons: list[LessonPlanRead]


class CoursePlan(Strict):
    """The lessons of a cohort in order; putting it replaces the order and the days of before."""

    starts_on: StartDay | None = None
    lessons: Lessons


class LessonPlace(Strict):
    """Where a lesson stands in the plan of a cohort, 1 for the first, and when it is due: a day, or so many days after
    the cohort's first day, or never. starts_on: that first day; null: as it is.
    """

    position: int = Field(ge=1, le=500)
    due_on: date | None = Field(default=None, ge=date(1970, 1, 1), le=date(2200, 1, 1))
    due_after_days: DaysAfter | None = None
    starts_on: StartDay | None = None

    @model_validator(mode="after")
    def _due_once(self) -> "LessonPlace":
        if self.due_on is not None and self.due_after_days is not None:
            raise ValueError("give a day or a number of days, not both")
        return self


class IdentifierRead(BaseModel):
    """By what a learner is known. implied: it follows from another one (the hash of an address)."""

    key: UUID
    kind: str
    value: str
    created_at: datetime


class LearnerRow(BaseModel):
    """A learner in a list."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str | None
    email: str | None
    phone: str | None
    avatar: str | None
    source: str
    created_at: datetime


class LearnerPage(BaseModel):
    """A page of learners, by id. more: give it as ?after= for the next one; null at the end."""

    learners: list[LearnerRow]
    more: UUID | None


class LearnerRead(LearnerRow):
    """A learner with everything that is kept about the person itself, without statements."""

    time_zone: str | None
    language: str | None
    attributes: dict[str, str]
    cohorts: list[str]
    identifiers: list[IdentifierRead]


class Merge(Strict):
    """Who is the same person: that learner's identifiers, cohorts and statements go over to this one."""

    other: UUID


class Split(Strict):
    """Which identifiers belong to somebody else: their keys, as the learner's own door tells them.

    into: the learner they belong to; without it a new one is made, with this name. cohorts: which that one is in too.
    """

    identifiers: list[UUID] = Field(min_length=1, max_length=500)
    into: UUID | None = None
    name: Name | None = None
    cohorts: list[CohortSlug] = Field(default=[], max_length=100)


class Moved(BaseModel):
    """What a merge or a split moved. learner_id: where to."""

    learner_id: UUID
    identifiers: int
    statements: int
    lessons: int


class Erased(BaseModel):
    """What was deleted, or would be, in rows per table; beside tables entries of the job queues.

    left: rows of tables that stay, although they hold an address or number of the learner (shared definitions and
    documents of activities), for an admin to look at.
    """

    learner_id: UUID
    dry_run: bool
    deleted: dict[str, int]
    left: dict[str, int]


class LearnerExport(BaseModel):
    """Everything that is kept about a learner. statements: as sent. Bytes of documents and letters are base64."""

    learner: LearnerRead
    exported_at: datetime
    statements: list[dict[str, Any]]
    lesson_progress: list[dict[str, Any]]
    documents: list[dict[str, Any]]
    dead_letters: list[dict[str, Any]]
    other_tables: dict[str, list[dict[str, Any]]]


class UploadLine(BaseModel):
    """A row of an uploaded file, and what it comes to. who: what the row calls its person; null under pseudonyms."""

    row: int
    verdict: str
    who: str | None = None
    learner_id: UUID | None = None
    cohort: str | None = None
    changes: list[str] = []
    duplicate_of: int | None = None
    problems: list[ProblemRead] = []
