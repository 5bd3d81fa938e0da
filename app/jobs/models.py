"""The ledger of scheduled runs."""

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.database import Base
from app.models import Moment


class JobRun(Base):
    """Grain: one row per job per period. Who inserts the row runs the period; everybody else leaves it alone."""

    __tablename__ = "job_runs"

    job: Mapped[str] = mapped_column(Text, primary_key=True)
    period: Mapped[datetime] = mapped_column(Moment, primary_key=True, comment="start of the period it stands for")
    started_at: Mapped[datetime] = mapped_column(Moment)
    finished_at: Mapped[datetime | None] = mapped_column(Moment)
    outcome: Mapped[str | None] = mapped_column(Text, comment="done, failed; NULL while it runs or after a crash")
    detail: Mapped[dict[str, object] | None] = mapped_column(JSONB)

    __table_args__ = ({"schema": "ops"},)
