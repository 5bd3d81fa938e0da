"""Tables of those who use the pages and the doors for people: accounts, their sessions, tokens of programs."""

from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models import Moment


class Account(Base):
    """Grain: one row per person who logs in by name and password. Disabled, never deleted: the audit log names it."""

    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(Text, comment="unique without regard to case")
    password_hash: Mapped[str] = mapped_column(Text, comment="argon2id, with its parameters")
    role: Mapped[str] = mapped_column(Text, comment="admin, viewer")
    created_at: Mapped[datetime] = mapped_column(Moment)
    password_changed_at: Mapped[datetime] = mapped_column(Moment, comment="sessions begun before it have ended")
    disabled_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        Index("uq_accounts_name_lower", func.lower(name), unique=True),
        CheckConstraint("role IN ('admin', 'viewer')", name="role_is_known"),
    )


class LoginSession(Base):
    """Grain: one row per login that has not ended. The cookie's token is kept nowhere, only its hash."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    token_hash: Mapped[str] = mapped_column(Text, unique=True, comment="SHA-256 of the token, hex")
    account_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), comment="NULL: logged in with ADMIN_TOKEN"
    )
    admin_mark: Mapped[str | None] = mapped_column(
        Text, comment="HMAC of ADMIN_TOKEN under the session's token: a new ADMIN_TOKEN ends it; NULL: of an account"
    )
    role: Mapped[str] = mapped_column(Text, comment="at login; an account's role of today counts")
    user_agent: Mapped[str] = mapped_column(Text, comment="of the login, cut short, for the list of own sessions")
    created_at: Mapped[datetime] = mapped_column(Moment, comment="before the password was looked at")
    last_seen_at: Mapped[datetime] = mapped_column(Moment, comment="written at most once a minute")
    expires_at: Mapped[datetime] = mapped_column(Moment, comment="whatever happens; idle ones end earlier")

    __table_args__ = (Index("ix_sessions_account_id", "account_id"), Index("ix_sessions_expires_at", "expires_at"))


class AgentToken(Base):
    """Grain: one row per token that a program presents as Bearer. Shown once; only its hash is kept."""

    __tablename__ = "agent_tokens"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid4)
    name: Mapped[str] = mapped_column(Text, comment="unique without regard to case among those not revoked")
    token_hash: Mapped[str] = mapped_column(Text, unique=True, comment="SHA-256 of the token, hex")
    hint: Mapped[str] = mapped_column(Text, comment="the first letters of the token, to tell which one it is")
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_by: Mapped[str] = mapped_column(Text, comment="as the audit log names them")
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment)
    last_used_at: Mapped[datetime | None] = mapped_column(Moment, comment="written at most once a minute")
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        Index("uq_agent_tokens_name_lower", func.lower(name), unique=True, postgresql_where=(revoked_at.is_(None))),
    )
