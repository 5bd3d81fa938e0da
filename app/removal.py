"""Taking statements out of the record, with all that is derived from them; erasure and retention come here."""

import re
from collections.abc import Collection
from uuid import UUID

from sqlalchemy.orm import Session

from app.facts import StatementVoided
from app.linking import ought
from app.reactions import react
from app.warehouse import erasing, links, rebuilding, silver

STATEMENTS_AT_ONCE = 500
_SHA2 = re.compile(r'"sha2"\s*:\s*"([0-9a-fA-F]{56,128})"')


def remove_statements(db: Session, ids: Collection[UUID]) -> dict[str, int]:
    """Delete these statements, their flat rows, links and references; what refers to them is mended.

    The caller has the turn of loaders alone (app.linking.take_turn). Returns rows deleted by table. A statement that
    was voided by one of these stays voided, until the record is rebuilt.
    """
    counts = {"bronze.statements_raw": 0, "silver.statements_flat": 0, "silver.statement_links": 0}
    ordered = sorted(ids)
    for start in range(0, len(ordered), STATEMENTS_AT_ONCE):
        some = ordered[start : start + STATEMENTS_AT_ONCE]
        stored = erasing.payloads(db, some).keys()
        above = erasing.payloads(db, set(links.chains(db, some, ())) - set(some)).keys()
        before = ought(db, [*stored, *above])
        flat = silver.withdraw(db, some)
        rebuilding.remove_references(db, some)
        counts["bronze.statements_raw"] += erasing.delete_raw(db, some)
        counts["silver.statements_flat"] += len(flat)
        rebuilding.doubt_references(db, above)
        after = ought(db, above)
        gone = {link for key in stored for link in before[key].links}
        gone |= {link for key in above for link in before[key].links - after[key].links}
        counts["silver.statement_links"] += links.remove_links(db, gone)
        react(db, [StatementVoided(*row) for row in flat])
    return counts


def attachments_in(payload: str) -> set[str]:
    """The hashes of attachments that a statement names, in lower case."""
    return {found.lower() for found in _SHA2.findall(payload)}
