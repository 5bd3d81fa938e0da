"""What somebody may do at the doors for people: scopes, and which of them each role has."""

from typing import Literal

SCOPES = (
    "reports:read",
    "learners:read",
    "statements:read",
    "pipeline:read",
    "pipeline:run",
    "people:write",
    "reminders:read",
    "reminders:send",
    "dead-letters:read",
    "dead-letters:write",
    "keys:write",
    "accounts:write",
    "audit:read",
    "progress:read",
    "contracts:write",
    "sql:read",
    "metrics:read",
)
"""Every scope; `docs/security.md` says what each one opens."""

Role = Literal["admin", "viewer"]
ROLES: tuple[Role, ...] = ("admin", "viewer")

_VIEWER = frozenset(
    {"reports:read", "learners:read", "statements:read", "pipeline:read", "reminders:read", "progress:read"}
)


def scopes_of(role: str) -> frozenset[str]:
    """What a role may do. An admin may do everything, a viewer may look; a role that is not known, nothing."""
    return {"admin": frozenset(SCOPES), "viewer": _VIEWER}.get(role, frozenset())
