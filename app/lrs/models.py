"""Tables of the documents that senders keep here (xAPI 1.0.3 Communication 2.2): one per Document Resource."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models import Moment


class Document:
    """What every document has. The bytes are the sender's; only a merge writes other ones."""

    key: Mapped[UUID] = mapped_column(primary_key=True, comment="stable_id of all that names the document")
    owner: Mapped[UUID] = mapped_column(comment="stable_id of what the document belongs to, without registration")
    document_id: Mapped[str] = mapped_column(Text, comment="stateId or profileId, the sender's")
    content: Mapped[bytes] = mapped_column(LargeBinary)
    content_type: Mapped[str] = mapped_column(Text, comment="the header Content-Type it came with")
    etag: Mapped[str] = mapped_column(Text, comment="SHA-1 of the content, lower-case hex")
    updated_at: Mapped[datetime] = mapped_column(Moment)


class StateDocument(Document, Base):
    """Grain: one row per activity, agent, registration or none, and stateId (xAPI 1.0.3 Communication 2.3)."""

    __tablename__ = "state_documents"

    activity_iri: Mapped[str] = mapped_column(Text)
    agent: Mapped[str] = mapped_column(Text, comment="lrs.identity.agent_identity, for reading")
    registration: Mapped[UUID | None] = mapped_column()

    __table_args__ = (Index("ix_state_documents_owner", "owner"),)


class AgentProfileDocument(Document, Base):
    """Grain: one row per agent and profileId (xAPI 1.0.3 Communication 2.6)."""

    __tablename__ = "agent_profile_documents"

    agent: Mapped[str] = mapped_column(Text, comment="lrs.identity.agent_identity, for reading")

    __table_args__ = (Index("ix_agent_profile_documents_owner", "owner"),)


class ActivityProfileDocument(Document, Base):
    """Grain: one row per activity and profileId (xAPI 1.0.3 Communication 2.7)."""

    __tablename__ = "activity_profile_documents"

    activity_iri: Mapped[str] = mapped_column(Text)

    __table_args__ = (Index("ix_activity_profile_documents_owner", "owner"),)
