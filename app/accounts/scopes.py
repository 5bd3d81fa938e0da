"""What somebody may do at the doors for people: scopes, and which of them each role has."""

from typing import Literal

MEANINGS = {
    "reports:read": "reports, questions, cohorts and lessons",
    "learners:read": "learners, one by one",
    "statements:read": "statements as they were received",
    "pipeline:read": "how far loading is",
    "pipeline:run": "run the sweep, let the loader go on",
    "people:write": "cohorts, lessons, imports; merge, export and erase learners",
    "reminders:read": "who is reminded, with what, and why not",
    "reminders:send": "send and resume reminders, change their words",
    "dead-letters:read": "what could not be stored",
    "dead-letters:write": "mend, replay and discard it",
    "keys:write": "make and revoke keys and tokens",
    "accounts:write": "make and change accounts",
    "audit:read": "the audit log",
    "progress:read": "contracts, test report, active agents",
    "contracts:write": "take and finish contracts, in its own name",
    "sql:read": "SQL in its own words, read only",
    "metrics:read": "metrics for Prometheus",
}
"""Every scope, and what it opens in a few words; `docs/security.md` says it in full."""
SCOPES = tuple(MEANINGS)

Role = Literal["admin", "viewer"]
ROLES: tuple[Role, ...] = ("admin", "viewer")

_VIEWER = frozenset(
    {"reports:read", "learners:read", "statements:read", "pipeline:read", "reminders:read", "progress:read"}
)


def scopes_of(role: str) -> frozenset[str]:
    """What a role may do. An admin may do everything, a viewer may look; a role that is not known, nothing."""
    return {"admin": frozenset(SCOPES), "viewer": _VIEWER}.get(role, frozenset())
