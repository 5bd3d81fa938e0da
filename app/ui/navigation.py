"""Where the pages are: what the side navigation lists, and who gets to see each entry."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """One page. scope: what a caller needs to see it. on_phones: among the four of the bottom bar."""

    title: str
    path: str
    icon: str
    scope: str
    on_phones: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Pages that belong together. title: empty for the first group."""

    title: str
    entries: tuple[Entry, ...]


GROUPS = (
    Group(
        "",
        (
            Entry("Overview", "/ui", "overview", "reports:read", on_phones=True),
            Entry("Cohorts", "/ui/cohorts", "cohorts", "reports:read", on_phones=True),
            Entry("Lessons", "/ui/lessons", "lessons", "reports:read", on_phones=True),
            Entry("Learners", "/ui/learners", "learners", "learners:read", on_phones=True),
            Entry("Reminders", "/ui/test-reminders", "reminders", "reminders:read"),
            Entry("Questions", "/ui/db-terminal", "terminal", "reports:read"),
        ),
    ),
    Group(
        "Bring in",
        (
            Entry("Roster import", "/ui/roster", "roster", "people:write"),
            Entry("Reminder words", "/ui/reminder-templates", "words", "reminders:read"),
        ),
    ),
    Group(
        "Pipeline",
        (
            Entry("Statements", "/ui/statements", "statements", "statements:read"),
            Entry("Stream", "/ui/test-etl-streaming", "stream", "pipeline:read"),
            Entry("Sweep", "/ui/test-etl-incremental", "sweep", "pipeline:read"),
            Entry("Dead letters", "/ui/dead-letters", "letters", "dead-letters:read"),
        ),
    ),
    Group(
        "Settings",
        (
            Entry("Keys", "/ui/admin/keys", "keys", "keys:write"),
            Entry("Accounts", "/ui/admin/accounts", "accounts", "accounts:write"),
            Entry("Audit log", "/ui/admin/audit", "audit", "audit:read"),
            Entry("Contracts", "/ui/contracts", "contracts", "progress:read"),
            Entry("Parts", "/ui/parts", "parts", "accounts:write"),
        ),
    ),
)


def seen_with(scopes: Collection[str]) -> list[Group]:
    """The groups with those entries that these scopes open."""
    groups = [Group(group.title, tuple(one for one in group.entries if one.scope in scopes)) for group in GROUPS]
    return [group for group in groups if group.entries]


def current(path: str) -> str:
    """The path of the entry that a page belongs to: its own, or that of the list it was opened from."""
    entries = [one.path for group in GROUPS for one in group.entries]
    return max(
        (one for one in entries if path == one or (one != "/ui" and path.startswith(f"{one}/"))), key=len, default=""
    )
