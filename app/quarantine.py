"""What becomes of a statement that cannot go into the record: a letter with its reason and its bytes."""

from app.accounts.people import storable
from app.errors import Problem, Unreadable
from app.ingest.dead_letters import Letter
from app.platform.logs import get_logger
from app.warehouse.bronze import RawStatement

log = get_logger(__name__)


def unreadable(statement: RawStatement, error: Exception, source: str) -> Letter:
    """A statement that cannot be flattened, or whose rows the database refuses, with this error."""
    problems = error.problems if isinstance(error, Unreadable) else ()
    log.warning("statement buried", statement_id=str(statement.id), reason=why(error), exc_info=not problems and error)
    return _letter(statement, source, "unreadable", f"The statement cannot be flattened: {why(error)}", problems)


def conflict(statement: RawStatement, source: str) -> Letter:
    """xAPI 1.0.3 Communication 2.1.1: another statement under an id that is taken changes nothing; it is kept."""
    told, expected = "is taken by a different statement.", "The statement as first sent, or a new id."
    reason = f"Another statement is stored under the id {statement.id}."
    return _letter(statement, source, "conflict", reason, [Problem("id", told, expected)])


def why(error: Exception) -> str:
    """The reason in one line, as PostgreSQL can hold it."""
    if isinstance(error, Unreadable):
        return error.message
    return storable(f"{type(error).__name__}: {error}"[:1_000]) or ""


def _letter(
    statement: RawStatement, source: str, code: str, reason: str, problems: "tuple[Problem, ...] | list[Problem]"
) -> Letter:
    return Letter(
        source=source,
        code=code,
        reason=reason,
        body=statement.payload,
        problems=problems,
        credential_id=statement.credential_id,
        statement_id=statement.id,
        xapi_version=statement.xapi_version,
    )
