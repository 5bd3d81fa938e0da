"""What the doors of reminders take and give."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from app.notifications.standing import Reason
from app.notifications.templates import MAX_CHARACTERS
from app.schemas import TaskStatusRead, storable

Status = Literal["sending", "sent", "waiting", "bounced", "failed", "unknown"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="after")
    @classmethod
    def _storable(cls, value: object) -> object:
        return storable(value) if isinstance(value, str) else value


class PreviewQuery(_Strict):
    """Whom a preview is about. after: the learner id that ended the page before."""

    cohort_id: UUID | None = None
    learner_id: UUID | None = None
    search: str | None = Field(default=None, min_length=1, max_length=200, description="in name or e-mail")
    after: UUID | None = None
    limit: int = Field(default=100, ge=1, le=1_000, description="learners looked at")
    reason: Reason | None = Field(default=None, description="show only these of them")


class PreviewRow(BaseModel):
    """One learner: what is decided at this moment, and why.

    reason: due: the next run sends it; later, retry: today still, at `at`; otherwise not today, and `at`, where it is
    known, is when it would be looked at again with nothing changed. local_time: ISO 8601 in the learner's zone.
    unanswered: reminders without any statement of theirs since.
    """

    learner_id: UUID
    name: str | None
    email: str | None
    reason: Reason
    why: str
    at: datetime | None
    local_time: str
    local_day: date
    time_zone: str
    lessons_left: int
    next_lesson: str | None
    next_link: str | None
    cohort: str | None
    unanswered: int


class PreviewPage(BaseModel):
    """Who would get what, when, and why the others do not. more: give it as ?after= for the next page."""

    now: datetime
    quiet_hours: str
    sends: str
    warnings: list[str] = Field(description="what an admin should set right before mails go out")
    learners: list[PreviewRow]
    counts: dict[str, int] = Field(description="of the learners looked at for this page, by reason")
    more: UUID | None


class ReminderRead(BaseModel):
    """One reminder and what became of it. answer: what the mail server said, or what went wrong."""

    id: UUID
    learner_id: UUID
    name: str | None
    email: str | None
    local_day: date
    time_zone: str
    cohort_id: UUID | None
    lessons: int
    status: Status
    attempts: int
    claimed_at: datetime
    retry_at: datetime | None
    sent_at: datetime | None
    message_id: str | None
    answer: str | None


class ReminderQuery(_Strict):
    """Which reminders. before: the `more` of the page before."""

    status: Status | None = None
    learner_id: UUID | None = None
    cohort_id: UUID | None = None
    before: str | None = Field(default=None, max_length=100)
    limit: int = Field(default=50, ge=1, le=500)


class ReminderPage(BaseModel):
    """Reminders, the latest first. totals: of the last 7 days by status; run: the latest run; both on page one only."""

    reminders: list[ReminderRead]
    more: str | None
    totals: dict[str, int] | None
    run: TaskStatusRead | None


class TemplatePlan(_Strict):
    """When and with what words a cohort is reminded. The three sources together, or none: then it is the default.

    quiet_from_hour, quiet_until_hour: hours of the learner's own day without reminders; neither: as the settings say.
    """

    reminder_hour: int = Field(default=9, ge=0, le=23, description="of the learner's own day")
    quiet_from_hour: int | None = Field(default=None, ge=0, le=23)
    quiet_until_hour: int | None = Field(default=None, ge=0, le=23)
    subject: str | None = Field(default=None, max_length=MAX_CHARACTERS["subject"])
    text: str | None = Field(default=None, max_length=MAX_CHARACTERS["text"])
    html: str | None = Field(default=None, max_length=MAX_CHARACTERS["html"])

    @model_validator(mode="after")
    def _all_or_none(self) -> "TemplatePlan":
        given = [value is not None for value in (self.subject, self.text, self.html)]
        if any(given) and not all(given):
            raise ValueError("subject, text and html belong together: give all three, or none for the default")
        if (self.quiet_from_hour is None) != (self.quiet_until_hour is None):
            raise ValueError("quiet_from_hour and quiet_until_hour belong together: give both, or neither")
        return self


class TemplateRead(BaseModel):
    """When and with what words a cohort is reminded. own: not the default. variables: what templates may use."""

    cohort_id: UUID
    cohort: str
    reminder_hour: int
    quiet_from_hour: int | None
    quiet_until_hour: int | None
    own: bool
    subject: str
    text: str
    html: str
    updated_at: datetime | None
    variables: list[str]


class RenderRequest(TemplatePlan):
    """A template to try on a learner; without sources the one that the cohort has."""

    learner_id: UUID = Field(description="of the cohort")


class RenderedRead(BaseModel):
    """What this learner would read. example: nothing is open for them now, so the lessons are examples."""

    subject: str
    text: str
    html: str
    example: bool


class StopRead(BaseModel):
    """What is decided about a learner's reminders."""

    learner_id: UUID
    unsubscribed: bool
    bounced: bool
    resumed_at: datetime | None


class BounceReport(_Strict):
    """What came back: an address, or the Message-ID of a reminder. One of the two."""

    address: str | None = Field(default=None, min_length=3, max_length=320, pattern=r"^[^@\s]+@[^@\s]+$")
    message_id: str | None = Field(default=None, min_length=3, max_length=300)

    @model_validator(mode="after")
    def _one_of_them(self) -> "BounceReport":
        if (self.address is None) == (self.message_id is None):
            raise ValueError("give address or message_id, and not both")
        return self


class BounceRead(BaseModel):
    """A bounce that is written down now. address_stopped: the address is not mailed any more, until the learner has
    another one or an admin resumes them; otherwise only this reminder failed. known_before: nothing was new."""

    learner_id: UUID
    reminder_id: UUID | None
    address_stopped: bool
    known_before: bool


class IgnoredRead(BaseModel):
    """A recipient of whom nothing was written down, and why."""

    recipient: str
    why: str


class BouncesRead(BaseModel):
    """What came of a report."""

    recorded: list[BounceRead]
    ignored: list[IgnoredRead]
