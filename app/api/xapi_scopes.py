"""What a key must carry to read at the xAPI doors: the scopes of xAPI 1.0.3 Communication 4.2."""

from app.accounts.credentials import DEFINE, KnownKey
from app.errors import NotAllowed
from app.lrs.documents import Resource

READ_STATEMENTS = "statements/read"
READ_OWN_STATEMENTS = "statements/read/mine"
READ_ALL = "all/read"
DOCUMENTS: dict[Resource, str] = {"state": "state", "agent_profile": "profile", "activity_profile": "profile"}
"""What reading and writing of documents takes; for reading `all/read` is enough."""
_READING = (READ_STATEMENTS, READ_OWN_STATEMENTS, READ_ALL, DEFINE, *DOCUMENTS.values())
_READING_PEOPLE = (READ_STATEMENTS, READ_ALL, DOCUMENTS["agent_profile"])


def require_reading(sender: KnownKey) -> None:
    """NotAllowed (403) unless the key may read anything at all: definitions of activities belong to everybody."""
    if not any(sender.may(scope) for scope in _READING):
        raise NotAllowed(f"This key may not read. It needs a scope such as {READ_STATEMENTS} or {READ_ALL}.")


def require_reading_people(sender: KnownKey) -> None:
    """NotAllowed (403) unless the key may read of everybody: a sender must not learn who else somebody is."""
    if not any(sender.may(scope) for scope in _READING_PEOPLE):
        raise NotAllowed(f"This key may not read about people. It needs one of {', '.join(_READING_PEOPLE)}.")


def only_own_statements(sender: KnownKey) -> bool:
    """Whether the key may read only the statements it wrote; NotAllowed (403) when it may read none."""
    if sender.may(READ_STATEMENTS) or sender.may(READ_ALL):
        return False
    if sender.may(READ_OWN_STATEMENTS):
        return True
    raise NotAllowed(
        f"This key may not read statements. It needs the scope {READ_STATEMENTS}, {READ_OWN_STATEMENTS} or {READ_ALL}."
    )
