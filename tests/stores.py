"""The PostgreSQL and the Redis that tests run on: those of TEST_DATABASE_URL and TEST_REDIS_URL, or embedded ones."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from app.stack.postgres import EmbeddedPostgres
from app.stack.redis import EmbeddedRedis


@dataclass(frozen=True)
class Stores:
    """Where the stores are. maintenance_url may create and drop databases."""

    maintenance_url: str
    redis_url: str

    def create_database(self, name: str, template: str = "template0") -> str:
        """Make a database anew and return its URL."""
        self.drop_database(name)
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return make_url(self.maintenance_url).set(database=name).render_as_string(hide_password=False)

    def drop_database(self, name: str) -> None:
        """Drop a database and whoever is connected to it."""
        self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        url = make_url(self.maintenance_url).set(drivername="postgresql+psycopg2")
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@contextmanager
def running_stores() -> Iterator[Stores]:
    """The stores, for as long as the block lasts. Embedded ones leave nothing behind."""
    database_url, redis_url = os.environ.get("TEST_DATABASE_URL"), os.environ.get("TEST_REDIS_URL")
    folder = Path(tempfile.mkdtemp(prefix="seventaps-test-"))
    # As root PostgreSQL runs as nobody, who has to get to its data.
    folder.chmod(0o755)
    postgres, redis = EmbeddedPostgres(folder / "postgres", durable=False), EmbeddedRedis(folder / "redis")
    try:
        yield Stores(database_url or postgres.start(), redis_url or redis.start())
    finally:
        postgres.discard()
        redis.discard()
        shutil.rmtree(folder, ignore_errors=True)
