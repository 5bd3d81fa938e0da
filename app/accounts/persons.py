"""Under which identifiers is the person behind an agent known? For the Person object of xAPI."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.identifiers import person_of
from app.accounts.models import UserIdentifier
from app.models import User

IMPLIED = ("mbox_sha1sum", "phone")
"""Kinds that follow from others; told only when a sender used them."""


def known_identifiers(db: Session, agent: Mapping[str, Any]) -> tuple[list[tuple[str, str]], list[str]]:
    """(kind, value) of each identifier of the learner who is this agent, and their name. Both empty if unknown."""
    person = person_of(agent)
    if person is None:
        return [], []
    key = person.identifiers[0].key
    user_id = db.execute(select(UserIdentifier.user_id).where(UserIdentifier.key == key)).scalar()
    if user_id is None:
        return [], []
    name = db.execute(select(User.name).where(User.id == user_id)).scalar()
    rows = db.execute(
        select(UserIdentifier.kind, UserIdentifier.value)
        .where(UserIdentifier.user_id == user_id, UserIdentifier.kind.not_in(IMPLIED))
        .order_by(UserIdentifier.created_at, UserIdentifier.value)
    )
    return [(row.kind, row.value) for row in rows], [name] if name else []
