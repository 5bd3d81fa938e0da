"""By what can a statement be found, what does it refer to, what does it define? Written with its flat row, in the same
transaction. Follows references both ways, so that it does not matter which of two statements came first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.orm import Session

from app.lrs import canonical, filters
from app.platform import clock
from app.platform.ids import stable_id
from app.warehouse import definitions, links
from app.warehouse.links import Link, Reference

SETTLED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class NewStatement:
    """A statement that was stored a moment ago, parsed."""

    id: UUID
    seq: int
    stored_at: datetime
    statement: Mapping[str, Any]
    credential_id: str
    defines: bool


def link(db: Session, loaded: Sequence[NewStatement]) -> list[UUID]:
    """Write links, references and definitions of these statements. Returns the ids of those that are now voided."""
    rows: list[Link] = []
    references: list[Reference] = []
    for new in loaded:
        rows += [(key, new.stored_at, new.seq) for key in _keys_of(new.statement, new.credential_id)]
        if referred := filters.referred_statement(new.statement):
            references.append(Reference(new.id, *referred))
    links.write_links(db, rows)
    links.write_references(db, references)
    learn_definitions(db, loaded)
    return follow(db, [new.id for new in loaded])


def follow(db: Session, ids: Sequence[UUID]) -> list[UUID]:
    """Follow the references of and to these statements whose other end is there. Returns who is voided by that."""
    pending = links.pending_references(db, ids)
    voided: list[UUID] = []
    for reference in pending:
        found_by = {
            key
            for target in links.down_from(db, reference.target_id)
            for key in _keys_of(orjson.loads(target.payload), target.credential_id)
        }
        referrers = links.up_from(db, reference.statement_id)
        links.write_links(db, [(key, stored_at, seq) for stored_at, seq in referrers for key in found_by])
        if reference.voids and links.void(db, reference):
            voided.append(reference.target_id)
            _forget(db, reference.target_id)
    if pending:
        links.resolved(db, pending, clock.now())
    return voided


def settle_late(db: Session) -> list[UUID]:
    """Follow what two loaders at once left behind, each of which did not see the other's statement yet."""
    return follow(db, links.late_references(db, SETTLED_AT_ONCE))


def learn_definitions(db: Session, loaded: Sequence[NewStatement]) -> None:
    """Merge what these statements say of activities and verbs into the canonical definitions.

    xAPI 1.0.3 Communication 4.2: the words of a sender without the scope `define` define nothing.
    """
    activities: dict[str, dict[str, Any]] = {}
    verbs: dict[str, dict[str, Any]] = {}
    for new in loaded:
        if not new.defines:
            continue
        for iri, definition in canonical.definitions_in(new.statement).items():
            activities[iri] = canonical.merge_definition(activities.get(iri), definition)
        for iri, display in canonical.displays_in(new.statement).items():
            verbs[iri] = canonical.merge_display(verbs.get(iri), display)
    now = clock.now()
    said = {iri: (stable_id("activity", iri), words) for iri, words in activities.items()}
    definitions.learn(db, "activities", said, canonical.merge_definition, now)
    said = {iri: (stable_id("verb", iri), words) for iri, words in verbs.items()}
    definitions.learn(db, "verbs", said, canonical.merge_display, now)


def _forget(db: Session, statement_id: UUID) -> None:
    """Take every link of a voided statement away: those of its own and those of what it refers to."""
    chain = links.down_from(db, statement_id)
    own = next((one for one in chain if one.id == statement_id), None)
    if own is not None:
        keys = {key for one in chain for key in _keys_of(orjson.loads(one.payload), one.credential_id)}
        links.remove_links(db, [(key, own.stored_at, own.seq) for key in keys])


def _keys_of(statement: Mapping[str, Any], credential_id: str) -> set[UUID]:
    """Without the authority that a sender wrote: the one that counts is the credential (xAPI 1.0.3 Data 2.4.9)."""
    if "authority" in statement:
        statement = {name: value for name, value in statement.items() if name != "authority"}
    return filters.keys_of(statement, credential_id)
