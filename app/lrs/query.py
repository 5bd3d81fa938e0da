"""What a GET of statements asks for: from its parameters to what is looked up, or to everything that is wrong. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

import orjson

from app.errors import BadRequest, Problem
from app.lrs import filters
from app.lrs.validation import Version, is_iri, is_timestamp, is_uuid, parse_timestamp, validate_agent, validate_group

Format = Literal["ids", "exact", "canonical"]
AFTER = "after"
"""Our own parameter, only in `more` links: the place in the order of storing after which the next page begins."""

_FILTERS = frozenset(
    {
        *("agent", "verb", "activity", "registration", "related_activities", "related_agents"),
        *("since", "until", "limit", "ascending", AFTER),
    }
)
_ALL = frozenset({"statementId", "voidedStatementId", "format", "attachments", *_FILTERS})


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the order of storing, which is total: when a statement was stored, and its seq."""

    stored_at: datetime
    seq: int


@dataclass(frozen=True, slots=True)
class StatementQuery:
    """The parameters of xAPI 1.0.3 Communication 2.1.3, read.

    keys: one tuple per filter; a statement matches when it has, for each of them, at least one of its keys.
    limit: 0 means as many as the server gives. parameters: as they came, for the `more` link.
    """

    statement_id: UUID | None
    voided_statement_id: UUID | None
    keys: tuple[tuple[UUID, ...], ...]
    since: datetime | None
    until: datetime | None
    limit: int
    ascending: bool
    format: Format
    attachments: bool
    after: Place | None
    parameters: tuple[tuple[str, str], ...]

    @property
    def is_single(self) -> bool:
        """Whether one statement is asked for by its id."""
        return self.statement_id is not None or self.voided_statement_id is not None

    def more(self, last: Place) -> list[tuple[str, str]]:
        """The parameters of the page that follows `last`."""
        own = [(name, value) for name, value in self.parameters if name != AFTER]
        return [*own, (AFTER, f"{last.stored_at.isoformat()}_{last.seq}")]


def read_query(parameters: Iterable[tuple[str, str]], version: Version) -> StatementQuery:
    """Read the parameters of a GET. BadRequest names every one that is unknown, misused or wrong."""
    pairs = tuple(parameters)
    problems: list[Problem] = []
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in _ALL:
            allowed = ", ".join(sorted(_ALL - {AFTER}))
            problems.append(Problem(f"?{name}", "is not a parameter of this resource.", f"One of {allowed}."))
        elif name in given:
            problems.append(Problem(f"?{name}", "is given twice.", "Each parameter once."))
        given[name] = value
    _check_single(given, problems)
    read = _Reader(given, version, problems)
    related_agents, related_activities = read.flag("related_agents"), read.flag("related_activities")
    keys = [
        read.agent(related_agents),
        read.iri("verb", lambda iri: [filters.verb_key(iri)]),
        read.iri("activity", lambda iri: filters.activity_keys(iri, related_activities)),
        [filters.registration_key(registration)] if (registration := read.uuid("registration")) else None,
    ]
    query = StatementQuery(
        statement_id=read.uuid("statementId"),
        voided_statement_id=read.uuid("voidedStatementId"),
        keys=tuple(tuple(some) for some in keys if some is not None),
        since=read.moment("since"),
        until=read.moment("until"),
        limit=read.limit(),
        ascending=read.flag("ascending"),
        format=read.format(),
        attachments=read.flag("attachments"),
        after=read.place(),
        parameters=pairs,
    )
    if problems:
        first = problems[0]
        raise BadRequest(f"{first.path} {first.message}", problems)
    return query


def _check_single(given: Mapping[str, str], problems: list[Problem]) -> None:
    """xAPI 1.0.3 Communication 2.1.3: an id stands alone, but for attachments and format."""
    ids = [name for name in ("statementId", "voidedStatementId") if name in given]
    if len(ids) == 2:
        problems.append(Problem("?voidedStatementId", "is given together with statementId.", "One of the two."))
    if ids:
        problems.extend(
            Problem(f"?{name}", f"is given together with {ids[0]}.", "Beside an id only attachments and format.")
            for name in given
            if name in _FILTERS
        )


class _Reader:
    """Reads one parameter after the other and collects what is wrong."""

    def __init__(self, given: Mapping[str, str], version: Version, problems: list[Problem]):
        self._given = given
        self._version: Version = version
        self._problems = problems

    def wrong(self, name: str, expected: str) -> None:
        shown = self._given[name][:80].encode("utf-8", "replace").decode()
        self._problems.append(Problem(f"?{name}", f"is {shown!r}.", expected))

    def flag(self, name: str) -> bool:
        value = self._given.get(name, "false")
        if value not in ("true", "false"):
            self.wrong(name, "true or false.")
        return value == "true"

    def uuid(self, name: str) -> UUID | None:
        value = self._given.get(name)
        if value is None:
            return None
        if not is_uuid(value):
            self.wrong(name, "A UUID such as 2557db94-bd34-46d7-9684-d928c824963a.")
            return None
        return UUID(value)

    def moment(self, name: str) -> datetime | None:
        value = self._given.get(name)
        if value is None:
            return None
        # In an address a plus means a blank, and so the offset of a timestamp often arrives.
        value = value.replace(" ", "+") if "T" in value else value
        if not is_timestamp(value, self._version):
            self.wrong(name, "A timestamp of ISO 8601, such as 2026-01-31T12:00:00Z.")
            return None
        return parse_timestamp(value)

    def iri(self, name: str, keys: Callable[[str], list[UUID]]) -> list[UUID] | None:
        value = self._given.get(name)
        if value is None:
            return None
        if not is_iri(value):
            self.wrong(name, "An IRI, such as http://adlnet.gov/expapi/verbs/completed.")
            return None
        return keys(value)

    def agent(self, related: bool) -> list[UUID] | None:
        text = self._given.get("agent")
        if text is None:
            return None
        try:
            agent = orjson.loads(text)
        except orjson.JSONDecodeError:
            self.wrong("agent", 'An Agent as JSON, such as {"mbox": "mailto:sam@example.org"}.')
            return None
        found: list[Problem] = []
        is_group = isinstance(agent, dict) and agent.get("objectType") == "Group"
        (validate_group if is_group else validate_agent)(agent, "?agent", self._version, found)
        if not found and not (keys := filters.agent_keys(agent, related)):
            found = [Problem("?agent", "is an anonymous Group.", "An Agent, or a Group with an identifier.")]
        self._problems.extend(found)
        return None if found else keys

    def limit(self) -> int:
        value = self._given.get("limit", "0")
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            self.wrong("limit", "A whole number from 0; 0 means as many as the server gives.")
            return 0
        return int(value)

    def format(self) -> Format:
        value = self._given.get("format", "exact")
        if value not in ("ids", "exact", "canonical"):
            self.wrong("format", "ids, exact or canonical.")
        return value  # type: ignore[return-value]

    def place(self) -> Place | None:
        value = self._given.get(AFTER)
        if value is None:
            return None
        moment, _, seq = value.replace(" ", "+").rpartition("_")
        try:
            return Place(datetime.fromisoformat(moment).astimezone(), int(seq))
        except (ValueError, OverflowError):
            self.wrong(AFTER, "The value of a `more` link, unchanged.")
            return None
