"""The table of dead letters."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Text, text
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

    __table_args__ = (
        Index("ix_dead_letters_status_last_seen_at", "status", "last_seen_at"),
        {"schema": "ops"},
    )
