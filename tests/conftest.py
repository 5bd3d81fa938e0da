"""Fixtures: the stores, a database built by the migrations, a clean slate for each test that commits."""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import redis
from fastapi.testclient import TestClient
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from tests.reporting import TestReporting
from tests.stores import Stores, running_stores

CONTRACTS = Path(__file__).parents[1] / "orchestrator_contracts"
TEMPLATE = f"seventaps_template_{os.getpid()}"
DATABASE = f"seventaps_test_{os.getpid()}"
_opened = ExitStack()
_stores: Stores


_UUID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}")


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """A test has one name in all processes that share the work, though its parameters hold ids that were just made."""
    if isinstance(val, str) and val.isascii() and _UUID.search(val):
        return _UUID.sub("uuid", val)
    return None


def pytest_configure(config: pytest.Config) -> None:
    """Start the stores before any module of the application is imported: some read their address at import."""
    if config.option.collectonly or config.option.help:
        return
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(TestReporting(config), "test-reporting")
    if getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        return  # Of several processes each has stores of its own; this one only hands out the work.
    global _stores  # noqa: PLW0603
    _stores = _opened.enter_context(running_stores())
    for name in [name for name in os.environ if name in _setting_names()]:
        del os.environ[name]
    from app.platform import keys

    pair = keys.new_key_pair()
    temporary = _opened.enter_context(tempfile.TemporaryDirectory())
    os.environ |= {
        "REDIS_URL": _stores.redis_url,
        "PUBLIC_PEM": keys.one_line(pair.public_pem),
        "SECRET_PEM": keys.one_line(pair.secret_pem),
        "ADMIN_TOKEN": "the admin token of the tests",
        "DATA_DIR": temporary,
        "LOG_FORMAT": "json",
        # Doors that change contracts change copies; what the run itself leaves is not what tests look at.
        "CONTRACTS_DIR": str(shutil.copytree(CONTRACTS, Path(temporary) / "contracts")),
        "TEST_REPORT_FILE": str(Path(temporary) / "reports" / "tests.json"),
    }
    _build_database()


def pytest_unconfigure() -> None:
    """Stop the stores; nothing is left behind."""
    _opened.close()


def _setting_names() -> set[str]:
    from app.config import Settings

    return {name.upper() for name in Settings.model_fields}


def _build_database() -> None:
    from alembic import command
    from alembic.config import Config

    from app.cli.migrate import ALEMBIC_INI
    from app.config import get_settings

    os.environ["DATABASE_URL"] = _stores.create_database(TEMPLATE)
    get_settings.cache_clear()
    command.upgrade(Config(str(ALEMBIC_INI)), "head")
    os.environ["DATABASE_URL"] = _stores.create_database(DATABASE, TEMPLATE)
    get_settings.cache_clear()
    _opened.callback(_stores.drop_database, TEMPLATE)
    _opened.callback(_stores.drop_database, DATABASE)
    from app.database import forget_engine

    _opened.callback(forget_engine)


@pytest.fixture(scope="session")
def stores() -> Stores:
    """The stores of this run."""
    return _stores


@pytest.fixture
def fresh_database(stores: Stores, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty, migrated database of its own, for tests with processes of their own."""
    name = f"seventaps_fresh_{os.getpid()}"
    yield stores.create_database(name, TEMPLATE)
    stores.drop_database(name)


@pytest.fixture
def db() -> Iterator[Session]:
    """A session whose commits are savepoints: whatever the test does is rolled back at its end."""
    from app.database import get_engine

    with get_engine().connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            yield session
        outer.rollback()


@pytest.fixture
def clean() -> Iterator[None]:
    """Empty tables and an empty Redis, for tests that commit; emptied again when they are done."""
    empty_stores()
    yield
    empty_stores()


def empty_stores() -> None:
    """No rows in any table, nothing in Redis."""
    from app.database import get_engine
    from app.jobs import reminder

    with get_engine().begin() as connection:
        # To truncate a table costs files made and removed, even of an empty one: a third of the time of a whole run.
        if filled := connection.scalars(_tables_with_rows()).all():
            connection.execute(text(f"TRUNCATE {', '.join(filled)} RESTART IDENTITY CASCADE"))
    redis.Redis.from_url(_stores.redis_url).flushall()
    # A worker that another test has stopped in this process asked its jobs to end; the next ones are not meant.
    reminder.stopping.clear()


@cache
def _tables_with_rows() -> TextClause:
    """The query for the quoted names of tables that are not empty."""
    from app.registry import TABLES

    names = [f'"{table.schema or "public"}"."{table.name}"' for table in TABLES.sorted_tables]
    return text(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names))


@dataclass(frozen=True)
class Doors:
    """The API, with somebody at each side of it."""

    client: TestClient
    sender: tuple[str, str]
    admin: dict[str, str]

    def put(self, statement: Any, statement_id: str, path: str = "/api/xapi/statements") -> Any:
        """PUT one statement as 7taps does."""
        return self.client.put(path, params={"statementId": statement_id}, json=statement, auth=self.sender)

    def post(self, body: Any, path: str = "/xapi/statements", **headers: str) -> Any:
        """POST statements through the standard door."""
        return self.client.post(
            path,
            json=body,
            auth=self.sender,
            headers={"X-Experience-API-Version": "1.0.3", **headers},
        )

    def get(self, path: str = "/xapi/statements", version: str = "1.0.3", **parameters: str) -> Any:
        """GET through the standard door."""
        headers = {"X-Experience-API-Version": version}
        return self.client.get(path, params=parameters, auth=self.sender, headers=headers)

    def holding(self, *scopes: str) -> "Doors":
        """The same doors for somebody with a key of their own that carries only these scopes."""
        from app.accounts import credentials
        from app.database import session_scope
        from app.platform import keys

        pair = keys.new_key_pair()
        public = keys.one_line(pair.public_pem)
        with session_scope() as db:
            credentials.register(db, name=" ".join(scopes) or "nothing", public_key=public, scopes=scopes)
        return Doors(self.client, (public, keys.one_line(pair.secret_pem)), self.admin)


_application: tuple[Any, Any, dict[str, Any]] = (None, None, {})


def application() -> Any:
    """The application of the settings as they are: the same one for test after test, as if it had just been made.

    To make it, and to take its routes apart at the first request, takes longer than most tests. What a test sets in
    its state is undone here, everything else of a run is made anew by its lifespan.
    """
    global _application  # noqa: PLW0603
    from app.config import get_settings
    from app.main import create_app
    from app.platform.logs import configure_logs

    settings = get_settings()
    if _application[0] is not settings or settings.otel_exporter_otlp_endpoint:
        made = create_app()
        _application = (settings, made, dict(made.state._state))
    _, app, state = _application
    configure_logs(settings.log_level, settings.log_format, "api")
    app.state._state.clear()
    app.state._state.update(state)
    return app


@pytest.fixture
def doors(clean: None) -> Iterator[Doors]:
    """The API in this process, on the real stores."""
    with TestClient(application(), raise_server_exceptions=False) as client:
        yield Doors(
            client,
            (os.environ["PUBLIC_PEM"], os.environ["SECRET_PEM"]),
            {"Authorization": f"Bearer {os.environ['ADMIN_TOKEN']}"},
        )


@pytest.fixture
def drain(clean: None) -> Callable[[], int]:
    """Load what is on the stream, in this process, with the worker's own consumer; returns the number of entries."""
    return load_what_waits


def load_what_waits() -> int:
    """Load what is on the stream, as `drain` does, where a test has stores for longer than itself."""
    from app.config import get_settings
    from app.consumers import statement_stream
    from app.etl_streaming import the_stream

    consumer = statement_stream.StatementConsumer(the_stream(), get_settings())
    consumer.join_group()
    entries = 0
    while the_stream().client.xlen(the_stream().name):
        messages = consumer.take()
        if not messages:
            break
        consumer.handle(messages)
        entries += len(messages)
    return entries


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside the repository; tests that need it are skipped where it is not."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real data sets are not beside the repository")
    return folder
