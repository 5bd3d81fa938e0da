"""Recognise people: from identifiers to the one learner they belong to, who is made when nobody knew them."""

from collections.abc import Iterable
from uuid import UUID, uuid4

from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts.identifiers import Person
from app.accounts.models import UserIdentifier
from app.models import User

MAX_ADDRESS_LENGTH = 320
"""64 characters, @ and 255 more (RFC 5321 4.5.3.1): no mail server takes a longer address."""

# One parameter, however many people: thousands of them would take longer to bind than to look up.
_OWNERS = text(
    "SELECT user_id, array_agg(encode(uuid_send(key), 'hex')) FROM public.user_identifiers "
    "WHERE key = ANY(CAST(:keys AS uuid[])) GROUP BY user_id"
)
_HEX_DIGITS = 32
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('accounts.people', 0))")


def recognise(db: Session, persons: Iterable[Person], *, source: str) -> dict[str, UUID]:
    """The learner of each person, by actor_key. Whoever is new becomes a learner, with all their identifiers.

    A learner is known by any identifier; one that follows from a statement and was not known yet is added to them.
    Making people is rare and happens one transaction at a time, so that two loaders never make the same person twice.
    """
    by_key = {person.actor_key: person for person in persons}
    # Two people of one batch may share an identifier, so what is missing is told only by looking at each of them.
    wanted = f"{{{','.join([person.keys for person in by_key.values()])}}}"
    owners = _owners(db, wanted)
    if any(key not in owners for person in by_key.values() for key in person.keys.split(",")):
        db.execute(_ONE_AT_A_TIME)
        owners = _owners(db, wanted)
        _add_missing(db, by_key.values(), owners, source)
    return {key: owners[person.keys[:_HEX_DIGITS]] for key, person in by_key.items()}


def take_turn(db: Session) -> None:
    """Wait until nobody else makes, merges or splits people; the turn lasts until the transaction ends.

    Whoever reads who somebody is and then writes it down takes it, or it may be somebody else by then. Loaders take
    theirs first (app.linking.take_turn), so nobody waits for that one while holding this one.
    """
    db.execute(_ONE_AT_A_TIME)


def owners_of(db: Session, keys: Iterable[UUID]) -> dict[UUID, UUID]:
    """The learner of each of these keys of identifiers; those that nobody has are not in it."""
    found = _owners(db, f"{{{','.join([key.hex for key in keys])}}}")
    return {UUID(hex=key): user_id for key, user_id in found.items()}


def _owners(db: Session, keys: str) -> dict[str, UUID]:
    """The learner of each of these keys, by its hex digits."""
    return {key: user_id for user_id, found in db.execute(_OWNERS, {"keys": keys}) for key in found}


def _add_missing(db: Session, persons: Iterable[Person], owners: dict[str, UUID], source: str) -> None:
    """Give every unknown identifier an owner, in the tables and in `owners`."""
    new_users: list[dict[str, object]] = []
    new_identifiers: list[dict[str, object]] = []
    for person in persons:
        known = next((owners[key] for key in person.keys.split(",") if key in owners), None)
        if known is None:
            known = uuid4()
            new_users.append(
                {
                    "id": known,
                    "name": storable(person.name),
                    "email": _mailable(person.email),
                    "phone": person.phone,
                    "source": source,
                }
            )
        for identifier in person.identifiers:
            if identifier.key.hex not in owners:
                owners[identifier.key.hex] = known
                new_identifiers.append(
                    {
                        "key": identifier.key,
                        "user_id": known,
                        "kind": identifier.kind,
                        "value": storable(identifier.value),
                    }
                )
    if new_users:
        db.execute(insert(User), new_users)
    if new_identifiers:
        db.execute(insert(UserIdentifier), new_identifiers)


def storable(text_: str | None) -> str | None:
    """Text without the NUL character, which PostgreSQL refuses in text; U+FFFD stands in its place."""
    return None if text_ is None else text_.replace("\x00", "\ufffd")


def _mailable(address: str | None) -> str | None:
    """An address that mail can be sent to; longer ones only identify, and no index of PostgreSQL would hold them."""
    return storable(address) if address and len(address) <= MAX_ADDRESS_LENGTH else None


def fill_in(db: Session, user_id: UUID, known: dict[str, str | None]) -> None:
    """Add to a learner what was not known yet (name, email, phone, time_zone, language); nothing is overwritten."""
    values = {column: func.coalesce(getattr(User, column), value) for column, value in known.items() if value}
    if values:
        db.execute(update(User).where(User.id == user_id).values(values))
