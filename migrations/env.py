"""Runs migrations online, one deploy at a time, without ever queueing behind a long transaction for long."""

from alembic import context
from sqlalchemy import text
from sqlalchemy.engine import Connection

from app.config import get_settings
from app.database import SCHEMAS, make_engine
from app.registry import TABLES

LOCK_TIMEOUT = "10s"
STATEMENT_TIMEOUT = "15min"
ONE_DEPLOY_AT_A_TIME = "SELECT pg_advisory_lock(hashtextextended('7taps-analytics.migrations', 0))"


def include_name(name: str | None, type_: str, _parents: object) -> bool:
    """Compare only the schemas that are ours."""
    return type_ != "schema" or name is None or name in SCHEMAS


def migrate(connection: Connection) -> None:
    """Upgrade or compare on this connection, inside one transaction per revision."""
    # With only `public` visible, reflection names the other schemas, as the models do.
    connection.execute(text("SET search_path TO public"))
    connection.execute(text(f"SET statement_timeout TO '{STATEMENT_TIMEOUT}'"))
    connection.execute(text(ONE_DEPLOY_AT_A_TIME))
    connection.execute(text(f"SET lock_timeout TO '{LOCK_TIMEOUT}'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=TABLES,
        include_schemas=True,
        include_name=include_name,
        compare_server_default=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


shared = context.config.attributes.get("connection")
if shared is not None:
    migrate(shared)
else:
    engine = make_engine(get_settings(), application="7taps-analytics migrations")
    with engine.connect() as own:
        migrate(own)
    engine.dispose()
