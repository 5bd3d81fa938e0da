"""What the JSON doors take and give. OpenAPI is made of these."""

import re
from collections import Counter
from datetime import date, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from app.platform import clock


def storable(text: str) -> str:
    """The text. ValueError: PostgreSQL holds no NUL characters and UTF-8 no lone surrogates; JSON can spell both."""
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("holds a NUL character or half of a surrogate pair, which no text may")
    return text


Storable = AfterValidator(storable)


class Strict(BaseModel):
    """What comes in: an unknown property is a mistake that its sender wants to hear of."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @field_validator("*", mode="before")
    @classmethod
    def _storable(cls, value: object) -> object:
        return storable(value) if isinstance(value, str) else value


def _known_time_zone(name: str) -> str:
    if name not in clock.time_zones():
        raise ValueError(f"{name!r} is no IANA time zone; write one such as Europe/Berlin")
    return name


TimeZone = Annotated[str, AfterValidator(_known_time_zone)]
Text200 = Annotated[str, Field(min_length=1, max_length=200)]
Iri = Annotated[str, Field(min_length=3, max_length=2_000, pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"]+$")]


def _link_is_safe(link: str) -> str:
    if not link.lower().startswith(("https://", "http://")):
        raise ValueError("has to be a web address that starts with https:// or http://")
    return link


Link = Annotated[str, Field(max_length=2_000, pattern=r"^[^\s<>\"\\^`{|}\x00-\x1f]+$"), AfterValidator(_link_is_safe)]
StartDay = Annotated[date, Field(ge=date(1970, 1, 1), le=date(2200, 1, 1))]
DaysAfter = Annotated[int, Field(ge=0, le=3_650)]


class AccountPlan(Strict):
    """An xAPI account of a learner, as a sender names them."""

    home_page: Iri
    name: Text200


class LearnerPlan(Strict):
    """A learner of a cohort, with at least one way to recognise them: e-mail, phone or account."""

    name: Text200
    email: str | None = Field(default=None, max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")
    phone: str | None = Field(default=None, max_length=40)
    accounts: list[AccountPlan] = Field(default=[], max_length=20)
    time_zone: TimeZone | None = None
    language: str | None = Field(default=None, max_length=35)

    @field_validator("phone")
    @classmethod
    def _phone_is_one(cls, value: str | None) -> str | None:
        if value is not None and not 8 <= sum(c.isdigit() for c in value) <= 15:
            raise ValueError("has to have 8 to 15 digits, such as +15551234567")
        return value

    @model_validator(mode="after")
    def _recognisable(self) -> "LearnerPlan":
        if not (self.email or self.phone or self.accounts):
            raise ValueError("a learner needs an email, a phone or an account to be recognised by")
        return self


_PHONE = re.compile(r"\+?[\d ().-]{7,24}", re.ASCII)
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Avatar = Annotated[
    str, Field(min_length=2, max_length=40, pattern=r"^[\w.-]+$", description="letters, digits, _ . -; a public handle")
]
Mailable = Annotated[str, Field(max_length=320, pattern=r"^[^@\s<>\"(),;:\\]+@[^@\s<>\"(),;:\\]+\.[^@\s<>\"(),;:\\]+$")]
CohortSlug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
LanguageTag = Annotated[str, Field(max_length=35, pattern=r"^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$", examples=["en-GB"])]


class SignupRequest(Strict):
    """Somebody signs up, with an e-mail address or a phone number or both.

    website is a trap for machines: people do not see the field, and whoever fills it in is not entered.
    """

    name: Name
    email: Mailable | None = None
    phone: str | None = Field(default=None, max_length=40, examples=["+1 555 010 0123"])
    avatar: Avatar | None = None
    cohort: CohortSlug | None = None
    time_zone: TimeZone | None = None
    language: LanguageTag | None = None
    website: str | None = Field(default=None, max_length=200)

    @field_validator("phone")
    @classmethod
    def _phone_is_one(cls, value: str | None) -> str | None:
        if value is not None and not (_PHONE.fullmatch(value) and 8 <= sum(c.isdigit() for c in value) <= 15):
            raise ValueError("is no phone number; write it with its country code, such as +15551234567")
        return value

    @model_validator(mode="after")
    def _reachable(self) -> "SignupRequest":
        if not (self.email or self.phone):
            raise ValueError("an email or a phone is needed")
        return self


class UserRead(BaseModel):
    """What was understood of a sign-up; the same for somebody new and for somebody who is known already."""

    name: str
    email: str | None
    phone: str | None
    avatar: str | None
    cohort: str | None
    time_zone: str | None
    language: str | None


class LessonPlan(Strict):
    """A lesson of a cohort; its place in the list is its place in the course.

    Due on a day, or a number of days after the cohort's starts_on, or never. title, link: of the lesson, for everybody.
    """

    activity_id: Iri
    title: Text200 | None = None
    link: Link | None = None
    due_on: date | None = None
    due_after_days: DaysAfter | None = None

    @model_validator(mode="after")
    def _due_once(self) -> "LessonPlan":
        if self.due_on is not None and self.due_after_days is not None:
            raise ValueError("give due_on or due_after_days, not both")
        return self


def _each_lesson_once(lessons: list[LessonPlan]) -> list[LessonPlan]:
    ids = [lesson.activity_id for lesson in lessons]
    if twice := {one for one, times in Counter(ids).items() if times > 1}:
        raise ValueError(f"a lesson stands in the course once; given twice: {', '.join(sorted(twice))}")
    return lessons


Lessons = Annotated[list[LessonPlan], Field(max_length=500), AfterValidator(_each_lesson_once)]


HourOfDay = Annotated[int, Field(ge=0, le=23)]


class QuietHours(Strict):
    """Hours of the learner's own day in which there are no reminders, 0 to 23, over midnight if need be; the same hour
    twice: none are quiet. Both or neither: without them the settings say."""

    quiet_from_hour: HourOfDay | None = None
    quiet_until_hour: HourOfDay | None = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.quiet_from_hour is None) != (self.quiet_until_hour is None):
            raise ValueError("quiet_from_hour and quiet_until_hour belong together: give both, or neither")
        return self


class CohortPlan(QuietHours):
    """All of a cohort: putting it replaces what was planned before. starts_on: day 0 of its lessons' due_after_days.

    reminder_hour, quiet_from_hour, quiet_until_hour: of the learner's own day. A plan that leaves them out leaves them
    as they are, so that a list of learners that is put again does not undo them; null sets the quiet hours back.
    """

    name: Text200
    time_zone: TimeZone = "UTC"
    starts_on: StartDay | None = None
    reminder_hour: HourOfDay = Field(default=9, description="of the learner's own day; 9 for a new cohort")
    lessons: Lessons = []
    learners: list[LearnerPlan] = Field(default=[], max_length=10_000)


class CohortRead(BaseModel):
    """A cohort, with the number of its learners and lessons. quiet hours: null: as the settings say."""

    id: UUID
    slug: str
    name: str
    time_zone: str
    reminder_hour: int
    quiet_from_hour: int | None
    quiet_until_hour: int | None
    learners: int
    lessons: int


class CohortName(BaseModel):
    """Which cohort a report is about."""

    id: UUID
    slug: str
    name: str
    time_zone: str


class Queued(BaseModel):
    """The plain door's answer to a POST: everything is durable, and loaded within a second on an idle system."""

    queued: bool = True
    ids: list[UUID]


class StatementFlatRead(BaseModel):
    """A flat row: a statement conformed for asking questions. See silver.statements_flat."""

    model_config = ConfigDict(from_attributes=True)

    statement_id: UUID
    learner_id: UUID | None
    actor_key: str
    actor_email: str | None
    actor_name: str | None
    verb_id: str
    verb: str
    object_id: str
    object_type: str
    object_name: str | None
    lesson_id: UUID | None
    completes_lesson: bool
    success: bool | None
    completion: bool | None
    score_scaled: float | None
    response: str | None
    duration_s: float | None
    occurred_at: datetime
    stored_at: datetime


class PipelineRead(BaseModel):
    """How far the pipeline is. stream_length: entries accepted and not loaded; pending: of these, in a worker's hands.

    oldest_waiting_seconds: age of the oldest entry not loaded; null when there is none. estimated: names of the counts
    that are PostgreSQL's estimate, since there are more than 100,000 of them; `?exact=true` has them counted.
    """

    stream_length: int
    pending: int
    oldest_waiting_seconds: float | None
    raw_statements: int
    flat_statements: int
    unflattened_statements: int
    estimated: list[str]
    dead_letters: int
    last_statement: dict[str, Any] | None


class LoaderRead(BaseModel):
    """Whether the loader has stopped itself. reason: why, for people. resumed: whether this request let it go on."""

    halted: bool
    reason: str | None
    resumed: bool = False


class ProblemRead(BaseModel):
    """One thing wrong with a request: where, what, and what would be right."""

    path: str
    message: str
    expected: str


class ErrorRead(BaseModel):
    """The one shape of every error (RFC 9457, application/problem+json).

    code never changes its meaning. refused: places of the statements of a batch that were not valid. kept: the id of
    the dead letter that holds the body.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    problems: list[ProblemRead] = []
    refused: list[int] | None = None
    kept: UUID | None = None


class TaskStatusRead(BaseModel):
    """How a background task is doing: its latest run, with figures of it."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    status: str
    detail: dict[str, Any]
    started_at: datetime
    updated_at: datetime
