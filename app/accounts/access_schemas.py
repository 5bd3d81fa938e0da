"""What the doors of accounts, sessions, tokens and the audit log take and give."""

from collections.abc import Collection
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from app.accounts.scopes import SCOPES, Role
from app.accounts.tokens import DEFAULT_DAYS, MOST_DAYS
from app.schemas import Strict

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Password = Annotated[str, StringConstraints(strip_whitespace=False, max_length=1_000)]
"""Blanks at its ends belong to a password; which ones are good is said by app/accounts/passwords.py."""


def known_among(scopes: Collection[str]) -> AfterValidator:
    """For a list of scopes: each of them is one of these."""

    def are_known(value: list[str]) -> list[str]:
        for one in value:
            if one not in scopes:
                raise ValueError(f"there is no scope {one!r}; there are {', '.join(scopes)}")
        return value

    return AfterValidator(are_known)


class AccountPlan(Strict):
    """An account to be made."""

    name: Name
    password: Password
    role: Role = "viewer"


class AccountChange(Strict):
    """What is to be different; what is left out stays. A password ends the account's sessions; so does disabling."""

    role: Role | None = None
    disabled: bool | None = None
    password: Password | None = None


class AccountRead(BaseModel):
    """An account. disabled_at: since when nobody can log in with it."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    role: str
    created_at: datetime
    password_changed_at: datetime
    disabled_at: datetime | None


class TokenPlan(Strict):
    """A token to be made: for whom, what it may do, and for how many days."""

    name: Name
    scopes: Annotated[list[str], Field(min_length=1, max_length=len(SCOPES)), known_among(SCOPES)]
    expires_days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = DEFAULT_DAYS


class TokenRead(BaseModel):
    """A token. hint: how it begins. last_used_at: to the minute."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    hint: str
    scopes: list[str]
    created_by: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class TokenMade(TokenRead):
    """A new token; `token` is shown this once."""

    token: str


class SessionRead(BaseModel):
    """A session of one's own. expires_at: at the latest; a silence ends it earlier."""

    id: UUID
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    current: bool


class CallerRead(BaseModel):
    """Who asks. csrf_token: for the header X-CSRF-Token of requests with this session; empty where none is needed."""

    kind: str
    name: str
    role: str | None
    scopes: list[str]
    csrf_token: str
    sessions: list[SessionRead]


class AuditRead(BaseModel):
    """One act."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    at: datetime
    actor: str
    act: str
    target: str
    detail: dict[str, object]


class AuditPage(BaseModel):
    """Acts, the newest first. more: for ?before=, where there are older ones."""

    acts: list[AuditRead]
    more: int | None
