"""The table of dead letters."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, Index, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models import Moment


class DeadLetter(Base):
    """What a credentialed sender sent and could not be stored. Grain: one row per distinct body, source and reason."""

    __tablename__ = "dead_letters"

    id: Mapped[UUID] = mapped_column(
        primary_key=True, comment="stable_id of source, reason code and body: repeats meet"
    )
    source: Mapped[str] = mapped_column(Text, comment="where it was turned away: door, stream, loader, sweep")
    code: Mapped[str] = mapped_column(Text, comment="stable code of the reason: unreadable, conflict, failed")
    reason: Mapped[str] = mapped_column(Text, comment="a sentence")
    path: Mapped[str | None] = mapped_column(Text, comment="property path of the first problem")
    problems: Mapped[list[dict[str, str]]] = mapped_column(JSONB, comment="every problem: path, message, expected")
    body: Mapped[bytes] = mapped_column(LargeBinary, comment="the bytes as sent")
    content_type: Mapped[str | None] = mapped_column(Text)
    credential_id: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(Text, comment="of the last time it was seen")
    statement_id: Mapped[UUID | None] = mapped_column()
    seen_count: Mapped[int] = mapped_column(server_default=text("1"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"), comment="how often loading it was tried")
    status: Mapped[str] = mapped_column(Text, server_default="open", comment="open, replayed, discarded")
    first_seen_at: Mapped[datetime] = mapped_column(Moment)
    last_seen_at: Mapped[datetime] = mapped_column(Moment)
    xapi_version: Mapped[str | None] = mapped_column(Text, comment="the edition it was sent under; NULL: not known")
    statement_ids: Mapped[list[UUID] | None] = mapped_column(
        ARRAY(Uuid),
        comment="ids of its statements in the order of the body, once the sender was told or they are stored",
    )
    resolved_at: Mapped[datetime | None] = mapped_column(Moment, comment="when it was replayed or discarded")
    resolved_by: Mapped[str | None] = mapped_column(Text, comment="on whose authority, see audit_log.actor")
    resolution: Mapped[str | None] = mapped_column(Text, comment="why it was discarded, in the words of who did it")

    # Lists walk the first four, whatever else they filter by; the last one answers how many there are of which kind.
    __table_args__ = (
        Index("ix_dead_letters_status_last_seen_at", "status", "last_seen_at"),
        Index("ix_dead_letters_last_seen_at_id", "last_seen_at", "id"),
        Index("ix_dead_letters_status_first_seen_at_id", "status", "first_seen_at", "id"),
        Index("ix_dead_letters_first_seen_at_id", "first_seen_at", "id"),
        Index("ix_dead_letters_status_code_source", "status", "code", "source"),
        {"schema": "ops"},
    )
