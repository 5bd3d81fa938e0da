"""The words of reminders: which cohort has which, and writing those of one beside what a learner would read."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy.orm import Session

from app.access.callers import Caller, needs
from app.access.forms import Form
from app.config import Settings
from app.database import get_db
from app.errors import AppError, BadRequest, NotFound, Problem
from app.notifications import acts, preview, trying, wording
from app.notifications.schemas import TemplatePlan
from app.notifications.templates import Rendered, Words, default_words, words_of
from app.notifications.wording import VARIABLES, WordingRow
from app.ui.mail_frame import framing, mail_document
from app.ui.pages import HTML, environment, show
from app.ui.telling import Asked, Told, back, told, wrongs

router = APIRouter(tags=["Pages"])
Db = Annotated[Session, Depends(get_db, scope="function")]
Writer = Annotated[Caller, needs("reminders:send")]
_READERS = [needs("reminders:read")]
PATH = "/ui/reminder-templates"
_UNKNOWN = re.compile(r"There is no (\w+)\.")
LEARNERS_OFFERED = 100
_TOLD = {
    "saved": Told(kind="done", title="Saved", text="From the next reminder on."),
    "default": Told(kind="done", title="This cohort uses the default words again"),
}


class WordingsAsked(Asked):
    """Which cohorts."""

    search: str | None = Field(default=None, max_length=200)


HOURS = ("reminder_hour", "quiet_from_hour", "quiet_until_hour")


class WordsRead(BaseModel):
    """A template: its three sources."""

    subject: str
    text: str
    html: str


class WordingsPage(BaseModel):
    """Every cohort with its hour and whether it has words of its own, and the default words."""

    cohorts: list[WordingRow]
    default: WordsRead


class LearnerOffered(BaseModel):
    """A learner to look at the words with."""

    id: UUID
    name: str


class WordingAsked(Asked):
    """learner: with whom the preview is made; else with the first by name."""

    learner: UUID | None = None


class WordingPage(BaseModel):
    """One cohort's words. own: they are not the default. learner: with whom the preview is made."""

    cohort_id: UUID
    cohort: str
    reminder_hour: int
    quiet_from_hour: int | None
    quiet_until_hour: int | None
    own: bool
    words: WordsRead
    learners: list[LearnerOffered]
    learner: UUID | None


@router.get(PATH, response_model=WordingsPage, responses=HTML, dependencies=_READERS)
def get_wordings(request: Request, db: Db, asked: Annotated[WordingsAsked, Query()]) -> Response:
    """All cohorts, at which hour and with whose words they are reminded."""
    page = WordingsPage(cohorts=wording.wordings(db, asked.search), default=_read(default_words()))
    return show(request, "reminder_templates.html", page, asked=asked, path=PATH)


@router.get(PATH + "/{cohort_id}", response_model=WordingPage, responses=HTML, dependencies=_READERS)
def get_wording(request: Request, cohort_id: UUID, db: Db, asked: Annotated[WordingAsked, Query()]) -> Response:
    """The hour and the words of one cohort, to be written."""
    return _page(request, db, cohort_id, learner=asked.learner, told=told(_TOLD, asked.done))


@router.post(PATH + "/{cohort_id}", include_in_schema=False)
def post_wording(request: Request, cohort_id: UUID, db: Db, caller: Writer, form: Form) -> Response:
    """Save the hour and the words, or go back to the default words."""
    action = form.get("action", "save")
    try:
        plan = _plan(form, with_words=action != "default")
        words = _words(plan) if action != "default" else None
        if words == default_words():
            words = None
        hours = acts.Hours(plan.reminder_hour, plan.quiet_from_hour, plan.quiet_until_hour)
        acts.put_template(db, cohort_id, hours, words, caller.actor)
    except (BadRequest, ValidationError) as error:
        db.rollback()
        return _page(request, db, cohort_id, learner=_id(form), status=400, given=form, wrong=_by_line(error, form))
    return back(request, f"{PATH}/{cohort_id}", done="default" if words is None else "saved", learner=_id(form))


@router.get(PATH + "/{cohort_id}/preview", include_in_schema=False, dependencies=_READERS, response_class=Response)
def get_preview(request: Request, cohort_id: UUID, db: Db, asked: Annotated[WordingAsked, Query()]) -> Response:
    """What the learner would read with the words that the cohort has, for a frame."""
    return _shown(request, db, cohort_id, asked.learner, None)


@router.post(PATH + "/{cohort_id}/preview", include_in_schema=False, dependencies=_READERS, response_class=Response)
def post_preview(request: Request, cohort_id: UUID, db: Db, form: Form) -> Response:
    """What the learner would read with the words of the form, for a frame. Nothing is saved."""
    try:
        words = _words(_plan(form, with_words=True))
        return _shown(request, db, cohort_id, _id(form), words)
    except (BadRequest, ValidationError) as error:
        return _document("mail_preview.html", problems=_by_line(error, form), mail=None, why_not=None)


def _page(
    request: Request,
    db: Session,
    cohort_id: UUID,
    *,
    learner: UUID | None,
    status: int = 200,
    told: Told | None = None,
    given: Any = None,
    wrong: dict[str, str] | None = None,
) -> Response:
    cohort, own = acts.template_of(db, cohort_id)
    words = _read(words_of(own))
    hours: dict[str, object] = {name: getattr(cohort, name) for name in HOURS}
    if given is not None:
        words = WordsRead(**{name: given.get(name, getattr(words, name)) for name in WordsRead.model_fields})
        hours = {name: given.get(name, hour) for name, hour in hours.items()}
    learners = [LearnerOffered(id=one, name=name) for one, name in _offered(db, cohort_id)]
    known = {one.id for one in learners}
    page = WordingPage(
        cohort_id=cohort_id,
        cohort=cohort.name,
        reminder_hour=cohort.reminder_hour,
        quiet_from_hour=cohort.quiet_from_hour,
        quiet_until_hour=cohort.quiet_until_hour,
        own=own is not None,
        words=words,
        learners=learners,
        learner=learner if learner in known else next((one.id for one in learners), None),
    )
    more = {"told": told, "wrong": wrong or {}, "hours": hours, "path": PATH, "variables": VARIABLES}
    options = {
        "hour_options": [(hour, f"{hour:02}:00") for hour in range(24)],
        "learner_options": [(one.id, one.name) for one in learners],
    }
    return framing(show(request, "reminder_template.html", page, status=status, **more, **options))


def _offered(db: Session, cohort_id: UUID) -> list[tuple[UUID, str]]:
    return trying.members_named(db, cohort_id, LEARNERS_OFFERED)


def _shown(request: Request, db: Session, cohort_id: UUID, learner: UUID | None, words: Words | None) -> Response:
    settings: Settings = request.app.state.settings
    mail: Rendered | None = None
    why_not, example = None, False
    learner = learner or next((one for one, _ in _offered(db, cohort_id)), None)
    if learner is None:
        why_not = "The cohort has no learners yet, so there is nobody to show this with."
    else:
        try:
            found = preview.rendered(db, cohort_id, learner, words, settings)
            rendered = Rendered(found.subject, found.text, found.html)
            mail, example = trying.without_way_out(rendered, settings, learner), found.example
        except NotFound as error:
            why_not = error.message
    return _document("mail_preview.html", problems={}, mail=mail, why_not=why_not, example=example)


def _document(template: str, **values: Any) -> Response:
    return mail_document(environment().get_template(template).render(**{"example": False, **values}))


def _plan(form: Any, *, with_words: bool) -> TemplatePlan:
    # Browsers send lines as CRLF; a template is kept as it was written. An hour not chosen is as the settings say.
    given = {name: form[name].replace("\r\n", "\n") for name in WordsRead.model_fields if with_words and name in form}
    given |= {name: form[name] for name in HOURS if form.get(name)}
    return TemplatePlan.model_validate(given)


def _words(plan: TemplatePlan) -> Words:
    missing = [name for name in WordsRead.model_fields if getattr(plan, name) is None]
    if missing:
        raise BadRequest(
            "The template is not whole.", [Problem(name, "Is missing.", "Some words.") for name in missing]
        )
    return Words(plan.subject or "", plan.text or "", plan.html or "")


def _by_line(error: AppError | ValidationError, form: Any) -> dict[str, str]:
    """What is wrong, by field; where the template names what there is not, with the line that does."""
    if isinstance(error, AppError):
        located = []
        for problem in error.problems:
            found = _UNKNOWN.match(problem.message)
            line = _line_of(form.get(problem.path, ""), found[1]) if found else None
            message = f"Line {line}: {problem.message}" if line else problem.message
            located.append(Problem(problem.path, message, problem.expected))
        return wrongs(BadRequest(error.message, located))
    return wrongs(error)


def _line_of(source: str, name: str) -> int | None:
    word = re.compile(rf"(?<![\w.]){re.escape(name)}\b")
    return next((number for number, line in enumerate(source.splitlines(), 1) if word.search(line)), None)


def _id(form: Any) -> UUID | None:
    try:
        return UUID(form.get("learner", ""))
    except ValueError:
        return None


def _read(words: Words) -> WordsRead:
    return WordsRead(subject=words.subject, text=words.text, html=words.html)
