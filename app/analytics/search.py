"""Finding learners, lessons and cohorts by a few letters of theirs."""

import re
from uuid import UUID

from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.accounts import visibility
from app.accounts.pseudonyms import digits_of
from app.accounts.visibility import Viewer
from app.analytics import queries_search
from app.analytics.selection import Filters, Part
from app.schemas import CohortName

FOUND_MOST = 20
"""So many of each kind are shown; who wants more has to write more letters."""
FEWEST_DIGITS = 3


class FoundLearner(BaseModel):
    """A learner whose name, e-mail address, phone number or avatar holds what was searched."""

    id: UUID
    name: str | None
    email: str | None
    phone: str | None
    avatar: str | None


class FoundLesson(BaseModel):
    """A lesson whose title or address holds what was searched."""

    id: UUID
    activity_id: str
    title: str | None


class Found(BaseModel):
    """What was found, of each kind. more_…: there are others beyond FOUND_MOST."""

    learners: list[FoundLearner]
    more_learners: bool
    lessons: list[FoundLesson]
    more_lessons: bool
    cohorts: list[CohortName]
    more_cohorts: bool


def search(db: Session, viewer: Viewer, text: str) -> Found:
    """What holds these letters, in either case and letter by letter: % and _ stand for themselves.

    Phone numbers are found by their digits, however they are grouped.
    """
    learners = _learners(db, viewer, text)
    lessons = queries_search.lessons(db, text, FOUND_MOST + 1)
    cohorts = queries_search.cohorts(db, text, FOUND_MOST + 1)
    return Found(
        learners=learners[:FOUND_MOST],
        more_learners=len(learners) > FOUND_MOST,
        lessons=[FoundLesson(**row._mapping) for row in lessons[:FOUND_MOST]],
        more_lessons=len(lessons) > FOUND_MOST,
        cohorts=[CohortName(**row._mapping) for row in cohorts[:FOUND_MOST]],
        more_cohorts=len(cohorts) > FOUND_MOST,
    )


def _learners(db: Session, viewer: Viewer, searched: str) -> list[FoundLearner]:
    """One more than is shown. Under pseudonyms only a whole pseudonym finds somebody."""
    condition, parameters = Filters(viewer=viewer).learners("u")
    part = Part(condition, parameters, order=visibility.order(viewer, "u"))
    if viewer.pseudonyms is not None:
        pseudonym = digits_of(searched)
        rows = queries_search.under_pseudonym(db, part, pseudonym) if pseudonym else []
        return [FoundLearner(**visibility.shown(viewer, row), avatar=None) for row in rows]
    digits = re.sub(r"[\s().+-]", "", searched)
    digits = digits if digits.isdigit() and len(digits) >= FEWEST_DIGITS else ""
    rows = queries_search.learners(db, part, searched, digits, FOUND_MOST + 1)
    return [FoundLearner(**row._mapping) for row in rows]
