"""The connection to PostgreSQL, the base of every table, and the unit of work."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg2
from sqlalchemy import Engine, MetaData, create_engine, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from app.config import Settings, get_settings

SCHEMAS = ("bronze", "silver", "gold", "ops")
"""As received · conformed · aggregates · how the machine is doing. People and settings are in `public`."""


IDLE_IN_TRANSACTION_SECONDS = 60.0
"""After so long a silence within a transaction PostgreSQL ends it: whoever hangs must not hold up all other loaders."""


class Base(DeclarativeBase):
    """Base of every table module; the naming convention lets migrations name each constraint."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def make_engine(settings: Settings, *, application: str = "7taps-analytics") -> Engine:
    """An engine with bounded pool and bounded statements; `application` shows in pg_stat_activity."""
    return create_engine(
        settings.sqlalchemy_url,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=True,
        connect_args={"connect_timeout": 5, **_session_options(settings, application)},
    )


def connect_async(settings: Settings) -> Any:
    """Begin a connection of psycopg2 that has to be polled until it stands; see platform.postgres."""
    url = make_url(settings.sqlalchemy_url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg2.connect(url, async_=1, **_session_options(settings, "7taps-analytics"))


def _session_options(settings: Settings, application: str) -> dict[str, str]:
    timeout_ms = int(settings.database_statement_timeout_seconds * 1000)
    idle_ms = int(IDLE_IN_TRANSACTION_SECONDS * 1000)
    options = f"-c statement_timeout={timeout_ms} -c idle_in_transaction_session_timeout={idle_ms} -c timezone=UTC"
    return {"application_name": application, "options": options}


@lru_cache(maxsize=1)
def get_engine() -> Engine:
    """The engine of this process."""
    return make_engine(get_settings())


@lru_cache(maxsize=1)
def _session_factory() -> sessionmaker[Session]:
    return sessionmaker(get_engine(), expire_on_commit=False)


@contextmanager
def session_scope() -> Iterator[Session]:
    """One unit of work: commit at the end, or nothing happened; then run what was promised for after the commit."""
    with _session_factory()() as db:  # closing rolls back whatever is not committed
        yield db
        db.commit()
        for hook in db.info.pop("after_commit", ()):
            hook()


_PASSING_CLASSES = ("08", "40", "53", "57")
"""SQLSTATE classes that say nothing about the data: connection, rollback (deadlock), resources, operator."""


def is_passing(error: Exception) -> bool:
    """Whether an error of the database says nothing about what was being written, so that trying again is right."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "pgcode", None)
    return error.connection_invalidated or state is None or state[:2] in _PASSING_CLASSES


def after_commit(db: Session, hook: Callable[[], None]) -> None:
    """Run `hook` once the unit of work has committed; never if it rolls back.

    An explicit list, because SQLAlchemy's own after_commit event also fires when a savepoint is released.
    """
    db.info.setdefault("after_commit", []).append(hook)


def get_db() -> Iterator[Session]:
    """The unit of work of one request. Use as `Depends(get_db, scope="function")`: it commits before the answer leaves,
    so that a commit that fails becomes an error and not a 200."""
    with session_scope() as db:
        yield db


def forget_engine() -> None:
    """Close the pool and forget it, after a fork or when a test points the process at another database."""
    if get_engine.cache_info().currsize:
        get_engine().dispose()
    get_engine.cache_clear()
    _session_factory.cache_clear()
