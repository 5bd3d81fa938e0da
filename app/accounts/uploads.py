"""Files that were uploaded to a page: looked at, kept until somebody decides, applied or discarded, soon forgotten."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from app.accounts import imports
from app.accounts.models import Import, Upload
from app.accounts.roster import Roster
from app.accounts.schemas import ResponsesRead, RosterRead, UploadLine
from app.errors import Conflict, NotFound
from app.platform import clock

KEPT_HOURS = 24
KEPT = timedelta(hours=KEPT_HOURS)
MAX_KEPT = 50
"""Of several people at once; the oldest go first."""
MAX_FILE_NAME_CHARACTERS = 200
PROBLEMS = ("invalid", "skipped")
"""The verdicts of rows that are left out."""


@dataclass(frozen=True, slots=True)
class ToApply:
    """A file that is to be applied. has_names: whether its lines may say who somebody is."""

    id: UUID
    kind: str
    actor: str
    choices: dict[str, str]
    content: bytes
    import_id: UUID

    @property
    def has_names(self) -> bool:
        """Whether learners are shown by their names to who uploaded it."""
        return self.choices.get("names") == "yes"


Told = tuple[dict[str, Any], list[dict[str, Any]]]
"""A summary, and a line for each row."""


def of_roster(read: RosterRead, roster: Roster, *, shown: bool) -> Told:
    """What a roster comes to, as it is kept. shown: with what each row calls its person."""
    people = {row.number: row.person for row in roster.rows} if shown else {}
    lines = []
    for one in read.verdicts:
        person = people.get(one.row)
        line = UploadLine(
            row=one.row,
            verdict=one.verdict,
            who=(person.name or person.email or person.phone) if person else None,
            learner_id=one.learner_id,
            cohort=one.cohort,
            changes=one.changes,
            duplicate_of=one.duplicate_of,
            problems=one.problems,
        )
        lines.append(line.model_dump(mode="json"))
    summary = read.model_dump(mode="json", exclude={"verdicts"})
    # As lists, because JSONB keeps no order of names, and people know their columns in the order of their file.
    for name in ("columns", "cohorts"):
        summary[name] = [list(pair) for pair in summary[name].items()]
    return summary, lines


def of_responses(read: ResponsesRead) -> Told:
    """What an export of responses comes to: its lines are the rows that are left out."""
    lines = []
    for one in read.problems:
        number = "".join(c for c in one.path if c.isdigit())
        line = UploadLine(row=int(number[:9] or 0), verdict="skipped", problems=[one])
        lines.append(line.model_dump(mode="json"))
    counts = {"queued": read.queued, "known": read.known, "repeated": read.repeated, "skipped": read.skipped}
    return {**read.model_dump(mode="json", exclude={"problems"}), "counts": counts}, lines


def keep(db: Session, kind: str, actor: str, *, name: str, choices: dict[str, str], content: bytes, told: Told) -> UUID:
    """Keep a file that was looked at, until somebody decides; forget those that nobody decided about."""
    now = clock.now()
    forget_old(db, now - KEPT)
    row = Upload(
        kind=kind,
        actor=actor,
        file_name=name.replace("\x00", "")[:MAX_FILE_NAME_CHARACTERS],
        choices=choices,
        content=content,
        summary=told[0],
        lines=told[1],
        uploaded_at=now,
    )
    db.add(row)
    db.flush()
    newest = select(Upload.id).order_by(Upload.uploaded_at.desc()).limit(MAX_KEPT)
    db.execute(delete(Upload).where(Upload.id.not_in(newest), Upload.id != row.id))
    return row.id


def forget_old(db: Session, before: datetime) -> None:
    """Forget what was uploaded before this moment, applied or not."""
    db.execute(delete(Upload).where(Upload.uploaded_at < before))


def find(db: Session, upload_id: UUID) -> Upload:
    """A file without its bytes and lines being read. NotFound when there is none, or it was forgotten."""
    row = db.execute(
        select(
            Upload.id,
            Upload.kind,
            Upload.actor,
            Upload.file_name,
            Upload.choices,
            Upload.summary,
            Upload.import_id,
            Upload.problem,
            Upload.uploaded_at,
        ).where(Upload.id == upload_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"There is no upload {upload_id}. Files are kept for {KEPT_HOURS} hours; upload it again.")
    return Upload(**row._mapping)


def lines_of(db: Session, upload_id: UUID, verdicts: Sequence[str] | None, after: int, limit: int) -> list[UploadLine]:
    """The next lines after this row of the file, of these verdicts or of any."""
    sql = """
SELECT line.value FROM ops.uploads u CROSS JOIN LATERAL jsonb_array_elements(u.lines) WITH ORDINALITY line (value, n)
WHERE u.id = :id AND (line.value ->> 'row')::int > :after
    AND (CAST(:verdicts AS text[]) IS NULL OR line.value ->> 'verdict' = ANY(CAST(:verdicts AS text[])))
ORDER BY line.n LIMIT :limit
"""
    given = {"id": upload_id, "after": after, "limit": limit, "verdicts": list(verdicts) if verdicts else None}
    return [UploadLine.model_validate(one) for one in db.execute(text(sql), given).scalars()]


def begin(db: Session, upload_id: UUID, actor: str) -> UUID:
    """Enter in the ledger that the file is being applied, once. Conflict when it was decided about before."""
    row = db.scalar(select(Upload).where(Upload.id == upload_id).with_for_update())
    if row is None:
        find(db, upload_id)
        raise NotFound(f"There is no upload {upload_id}.")
    if row.import_id is not None or row.content is None:
        raise Conflict("This file is applied already, or is being applied.")
    row.import_id = imports.begin(db, row.kind, actor, int(row.summary.get("rows", 0)))
    row.actor, row.problem = actor, None
    return row.import_id


def take_back(db: Session, upload_id: UUID, problem: str) -> None:
    """Nobody could be told to apply it: it waits again, and the import counts as failed."""
    row = db.scalar(select(Upload).where(Upload.id == upload_id).with_for_update())
    if row is not None and row.import_id is not None:
        imports.finish(db, row.import_id, "failed")
        row.import_id, row.problem = None, problem


def to_apply(db: Session, upload_id: UUID) -> ToApply | None:
    """The file, if it is to be applied and has not been."""
    row = db.get(Upload, upload_id)
    if row is None or row.import_id is None or row.content is None:
        return None
    return ToApply(row.id, row.kind, row.actor, row.choices, row.content, row.import_id)


def applied(db: Session, upload_id: UUID, summary: dict[str, Any], lines: list[dict[str, Any]]) -> None:
    """Put down what came of it; the file itself is not needed any more."""
    values = {"summary": summary, "lines": lines, "content": None, "problem": None}
    db.execute(update(Upload).where(Upload.id == upload_id).values(values))


def failed(db: Session, upload_id: UUID, problem: str) -> None:
    """Put down why it could not be applied."""
    db.execute(update(Upload).where(Upload.id == upload_id).values(problem=problem))


def discard(db: Session, upload_id: UUID) -> None:
    """Forget a file that is not to be applied. Conflict when it was."""
    gone = delete(Upload).where(Upload.id == upload_id, Upload.import_id.is_(None)).returning(Upload.id)
    if db.execute(gone).first() is None:
        find(db, upload_id)
        raise Conflict("This file is applied already, or is being applied.")


def of_imports(db: Session, import_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The uploads that are still there, by the import that they became."""
    rows = db.execute(select(Upload.import_id, Upload.id).where(Upload.import_id.in_(import_ids)))
    return {row.import_id: row.id for row in rows if row.import_id is not None}


def waiting(db: Session) -> Sequence[Any]:
    """Files that nobody has decided about yet, the newest first: id, kind, actor, file_name, uploaded_at, rows."""
    rows = func.coalesce(Upload.summary["rows"].as_integer(), 0).label("rows")
    query = select(Upload.id, Upload.kind, Upload.actor, Upload.file_name, Upload.uploaded_at, rows)
    return db.execute(query.where(Upload.import_id.is_(None)).order_by(Upload.uploaded_at.desc()).limit(MAX_KEPT)).all()


def import_of(db: Session, upload: Upload) -> Import | None:
    """The import that an upload became; None before, or when the ledger has forgotten it."""
    return db.get(Import, upload.import_id) if upload.import_id else None
