"""Reminders: one row per learner per day, templates, stops; how tasks are doing; at which hour cohorts are reminded.

Revision: 0007
After: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MOMENT = postgresql.TIMESTAMP(timezone=True)


def upgrade() -> None:
    op.add_column(
        "cohorts",
        sa.Column(
            "reminder_hour",
            sa.SmallInteger(),
            server_default=sa.text("9"),
            nullable=False,
            comment="0 to 23, in the learner's own time zone",
        ),
    )
    op.create_check_constraint(op.f("ck_cohorts_reminder_hour"), "cohorts", "reminder_hour BETWEEN 0 AND 23")
    op.create_table(
        "notifications",
        sa.Column("id", sa.Uuid(), nullable=False, comment="stable_id('reminder', learner and day)"),
        sa.Column("learner_id", sa.Uuid(), nullable=False),
        sa.Column("local_day", sa.Date(), nullable=False, comment="the day in the learner's own time zone"),
        sa.Column("time_zone", sa.Text(), nullable=False, comment="IANA name, the one the day was told by"),
        sa.Column("cohort_id", sa.Uuid(), comment="cohorts.id of the next lesson: whose template it was"),
        sa.Column("lessons", sa.Integer(), nullable=False, comment="how many were left"),
        sa.Column(
            "status",
            sa.Text(),
            nullable=False,
            comment="sending, sent, waiting (for retry_at), bounced, failed, unknown; see docs/reminders.md",
        ),
        sa.Column("attempts", sa.Integer(), server_default="1", nullable=False),
        sa.Column("claimed_at", MOMENT, nullable=False, comment="when the last attempt began"),
        sa.Column("retry_at", MOMENT, comment="of waiting ones"),
        sa.Column("sent_at", MOMENT, comment="when the mail server took it"),
        sa.Column("message_id", sa.Text()),
        sa.Column("answer", sa.Text(), comment="the mail server's last words, or what went wrong"),
        sa.ForeignKeyConstraint(
            ["learner_id"], ["users.id"], name=op.f("fk_notifications_learner_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
    )
    op.create_index("uq_notifications_learner_id_local_day", "notifications", ["learner_id", "local_day"], unique=True)
    op.create_index("ix_notifications_status_claimed_at_id", "notifications", ["status", "claimed_at", "id"])
    op.create_index("ix_notifications_claimed_at_id", "notifications", ["claimed_at", "id"])
    op.create_table(
        "task_status",
        sa.Column("name", sa.Text(), nullable=False, comment="noun.verb, such as reminders.send"),
        sa.Column("status", sa.Text(), nullable=False, comment="running, done, failed"),
        sa.Column(
            "detail",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="figures of the run, its progress while it runs; nothing personal",
        ),
        sa.Column("started_at", MOMENT, nullable=False, comment="of this run"),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_task_status")),
        schema="ops",
    )
    op.create_table(
        "reminder_templates",
        sa.Column("cohort_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="Jinja2, one line"),
        sa.Column("text", sa.Text(), nullable=False, comment="Jinja2, plain text"),
        sa.Column("html", sa.Text(), nullable=False, comment="Jinja2, escaped by itself"),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["cohort_id"], ["cohorts.id"], name=op.f("fk_reminder_templates_cohort_id_cohorts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("cohort_id", name=op.f("pk_reminder_templates")),
    )
    op.create_table(
        "reminder_stops",
        sa.Column("learner_id", sa.Uuid(), nullable=False),
        sa.Column("unsubscribed_at", MOMENT, comment="the learner said so"),
        sa.Column("bounced_at", MOMENT, comment="the mail server refused the address for good"),
        sa.Column(
            "bounced_address_hash",
            sa.LargeBinary(),
            comment="SHA-256 of that address; another one of the same learner is mailed",
        ),
        sa.Column("resumed_at", MOMENT, comment="an admin said so; unanswered reminders are counted from then"),
        sa.ForeignKeyConstraint(
            ["learner_id"], ["users.id"], name=op.f("fk_reminder_stops_learner_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("learner_id", name=op.f("pk_reminder_stops")),
    )


def downgrade() -> None:
    op.drop_table("reminder_stops")
    op.drop_table("reminder_templates")
    op.drop_table("task_status", schema="ops")
    op.drop_table("notifications")
    op.drop_constraint(op.f("ck_cohorts_reminder_hour"), "cohorts")
    op.drop_column("cohorts", "reminder_hour")
