"""By what can a statement be found, what does it refer to, what does it define? Written with its flat row, in the same
transaction. Follows references both ways, so that it does not matter which of two statements came first.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy.orm import Session

from app.lrs import canonical, filters
from app.platform import clock
from app.platform.ids import stable_id
from app.platform.logs import get_logger
from app.warehouse import definitions, links, rebuilding
from app.warehouse.links import Link, Reference

log = get_logger(__name__)

SETTLED_AT_ONCE = 500

_Words = Mapping[str, Any]


class Findings(NamedTuple):
    """What a statement is found by, refers to and defines: all that can be known of it without asking anybody.

    referred: the statement it has as its object, and whether it voids that one. definitions, displays: by IRI.
    """

    keys: set[UUID]
    referred: tuple[UUID, bool] | None
    definitions: Mapping[str, _Words]
    displays: Mapping[str, _Words]


class NewStatement(NamedTuple):
    """A statement that was stored. is_voided: by one that was loaded before it."""

    id: UUID
    seq: int
    stored_at: datetime
    findings: Findings
    is_voided: bool = False


@dataclass(frozen=True, slots=True)
class Ought:
    """What is derived from a statement beside its flat row. links: what it is found by, unless it is voided."""

    links: set[Link]
    voided_by: UUID | None


@dataclass(frozen=True, slots=True)
class _Read:
    """A statement of the record as references see it. keys: by what it is found. voids: it voids another one."""

    stored: links.StoredStatement
    keys: set[UUID]
    voids: bool


def look_into(statement: Mapping[str, Any], credential_id: str, *, defines: bool) -> Findings:
    """Read a valid statement. Pure. defines: whether its sender may define anything (xAPI 1.0.3 Communication 4.2)."""
    return Findings(
        _keys_of(statement, credential_id),
        filters.referred_statement(statement),
        canonical.definitions_in(statement) if defines else {},
        canonical.displays_in(statement) if defines else {},
    )


def take_turn(db: Session, *, alone: bool) -> None:
    """Wait until this transaction may load statements; to be called before it stores any.

    Two loads at once do not see each other's statements, so that a reference between them would be followed by
    neither. Therefore loads that may hold references go alone, and all others together. It also means that no load
    waits for another one's rows while that one waits for its own.
    """
    links.take_turn(db, alone=alone)


def link(db: Session, loaded: Sequence[NewStatement]) -> list[UUID]:
    """Write links, references and definitions of these statements. Returns the ids of those that are now voided.

    A statement that is voided already is not found by anything, but those that refer to it are, also by what it refers
    to itself (xAPI 1.0.3 Communication 2.1.4).
    """
    rows: list[tuple[Collection[UUID], datetime, int]] = []
    references: list[Reference] = []
    for new in loaded:
        if not new.is_voided:
            rows.append((new.findings.keys, new.stored_at, new.seq))
        if new.findings.referred:
            references.append(Reference(new.id, *new.findings.referred))
    links.copy_links(db, rows)
    links.write_references(db, references)
    learn_definitions(db, loaded)
    return follow(db, [new.id for new in loaded])


def follow(db: Session, ids: Sequence[UUID]) -> list[UUID]:
    """Follow the references of and to these statements whose other end is there. Returns who is voided by that.

    xAPI 1.0.3 Communication 2.1.3: a statement is also found by what the one it refers to is found by, and so on
    through a chain. Data 2.3.2: a statement that voids another one cannot be voided.
    """
    pending = links.pending_references(db, ids)
    if not pending:
        return []
    chains = links.chains(db, {r.statement_id for r in pending}, {r.target_id for r in pending if r.voids})
    found = {one.id: _read(one) for one in links.stored(db, set().union(*chains.values()))}
    voided: dict[UUID, UUID] = {}
    for reference in pending:
        target = found[reference.target_id]
        if reference.voids and not target.voids and not target.stored.is_voided:
            voided.setdefault(reference.target_id, reference.statement_id)
    write: list[Link] = []
    remove: list[Link] = []
    for start, members in chains.items():
        one = found[start].stored if start in found else None
        if one and not one.is_voided:
            keys = set().union(*(found[member].keys for member in members if member in found))
            (remove if start in voided else write).extend((key, one.stored_at, one.seq) for key in keys)
    links.void(db, voided)
    links.write_links(db, write)
    links.remove_links(db, remove)
    links.resolved(db, pending, clock.now())
    return list(voided)


def settle_late(db: Session) -> list[UUID]:
    """Follow what is left: references to statements that are in the record but were never loaded from it."""
    take_turn(db, alone=True)
    return follow(db, links.late_references(db, SETTLED_AT_ONCE))


def ought(db: Session, ids: Collection[UUID]) -> dict[UUID, Ought]:
    """What each of these stored statements ought to have, as far as silver.statement_refs is right."""
    chains = links.chains(db, (), ids)
    found = {one.id: _read(one) for one in links.stored(db, set().union(*chains.values()))}
    voiders = rebuilding.voiders(db, ids)
    result: dict[UUID, Ought] = {}
    for key in ids:
        one = found[key].stored
        keys = set().union(*(found[member].keys for member in chains[key] if member in found))
        # Data 2.3.2: a statement that voids another one cannot be voided.
        by = None if found[key].voids else voiders.get(key)
        result[key] = Ought({(link, one.stored_at, one.seq) for link in keys}, by)
    return result


def learn_definitions(db: Session, loaded: Sequence[NewStatement], *, schema: str = "silver") -> None:
    """Merge what these statements say of activities and verbs into the canonical definitions.

    schema: of the tables, see warehouse.definitions.
    """
    in_order = [new.findings for new in sorted(loaded, key=lambda new: new.seq)]
    now = clock.now()
    said = _said("activity", [findings.definitions for findings in in_order])
    definitions.learn(db, "activities", said, canonical.merge_definition, now, schema=schema)
    said = _said("verb", [findings.displays for findings in in_order])
    definitions.learn(db, "verbs", said, canonical.merge_display, now, schema=schema)


def _said(kind: str, found: Iterable[Mapping[str, _Words]]) -> dict[str, tuple[UUID, list[_Words]]]:
    """By IRI its key and what was said of it, in order. What is only said again, as courses do, is left out."""
    said: dict[str, tuple[UUID, list[_Words]]] = {}
    for one in found:
        for iri, words in one.items():
            if (known := said.get(iri)) is None:
                said[iri] = (stable_id(kind, iri), [words])
            elif known[1][-1] != words:
                known[1].append(words)
    return said


def _read(stored: links.StoredStatement) -> _Read:
    try:
        statement = orjson.loads(stored.payload)
        referred = filters.referred_statement(statement)
        return _Read(stored, _keys_of(statement, stored.credential_id), bool(referred and referred[1]))
    except Exception as error:  # noqa: BLE001  (one bad row must not stop those that refer to it)
        log.warning("target cannot be read", statement_id=str(stored.id), error=f"{type(error).__name__}: {error}")
        return _Read(stored, set(), False)


def _keys_of(statement: Mapping[str, Any], credential_id: str) -> set[UUID]:
    """Without the authority that a sender wrote: the one that counts is the credential (xAPI 1.0.3 Data 2.4.9)."""
    if "authority" in statement:
        statement = {name: value for name, value in statement.items() if name != "authority"}
    return filters.keys_of(statement, credential_id)
