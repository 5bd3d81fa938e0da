"""Migrations that compute something for rows that are there already come to what the loader comes to."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from app.cli.migrate import ALEMBIC_INI
from app.config import Settings, get_settings
from tests.rooms.analytics.course import ANSWERED, answer, at, did, statements
from tests.statements import lesson
from tests.stores import Stores
from tests.warehouse.record import incoming, load, load_statements

DATABASE = "seventaps_backfill"
LONG, LONGEST_CHOICE = "x" * 101, "é" * 100
UNKNOWN_QUESTION = "https://example.org/defined-by-nobody"


@pytest.fixture
def config(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> Iterator[Config]:
    """The migrations, at work on a database of their own."""
    monkeypatch.setenv("DATABASE_URL", stores.create_database(DATABASE))
    get_settings.cache_clear()
    yield Config(str(ALEMBIC_INI))
    monkeypatch.undo()
    get_settings.cache_clear()
    stores.drop_database(DATABASE)


@pytest.fixture
def engine(config: Config, stores: Stores) -> Iterator[Engine]:
    """That database, migrated."""
    command.upgrade(config, "head")
    made = create_engine(Settings().sqlalchemy_url)
    yield made
    made.dispose()


def answers() -> list[dict[str, Any]]:
    """Answers and what only looks like some."""
    within = {"contextActivities": {"parent": [lesson(2)]}}
    on_a_lesson = did("Ann", 3, at(4), ANSWERED, result={"response": "to the lesson itself"})
    no_lesson = answer("Ann", "1", "poll", "a", at(4))
    del no_lesson["context"]["contextActivities"]
    about_a_person = did("Ann", 2, at(4), ANSWERED, object={"objectType": "Agent", "mbox": "mailto:ben@example.org"})
    nameless = {"id": f"{lesson(2)['id']}#nameless", "definition": {"interactionType": "other"}}
    return [
        *statements(),
        answer("Ann", "4", "form", LONG, at(5)),
        answer("Ann", "4", "form", LONGEST_CHOICE, at(6)),
        answer("Ann", "4", "form", None, at(7)),
        answer("Ann", "4", "form", "", at(7)),
        did("Ben", 2, at(5), ANSWERED, object=nameless, context=within, result={"response": "b"}),
        did("Ben", 2, at(5), "http://adlnet.gov/expapi/verbs/experienced", object=nameless, context=within),
        on_a_lesson,
        no_lesson,
        about_a_person,
    ]


def computed(engine: Engine) -> dict[UUID, tuple[UUID | None, str | None]]:
    """question_id and choice of every flat row."""
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT statement_id, question_id, choice FROM silver.statements_flat"))
        return {row.statement_id: (row.question_id, row.choice) for row in rows}


def test_0008_gives_old_rows_the_questions_and_choices_that_the_loader_gives(config: Config, engine: Engine) -> None:
    """Except where a question was defined by nobody who may: then only a rebuild knows it."""
    unknown = answer("Ann", "1", "poll", "a", at(4))
    unknown["object"]["id"] = UNKNOWN_QUESTION
    with Session(engine) as db:
        load(db, *answers())
        load_statements(db, [incoming(unknown, defines=False)])
        db.commit()
    by_the_code = computed(engine)
    assert sum(question is not None for question, _ in by_the_code.values()) > 15
    assert {choice for _, choice in by_the_code.values()} >= {"a", "a[,]b", "", LONGEST_CHOICE, None}
    command.downgrade(config, "0007")
    with engine.connect() as connection:
        columns = connection.execute(text("SELECT * FROM silver.statements_flat LIMIT 1")).keys()
        assert not {"question_id", "choice"} & set(columns)
    command.upgrade(config, "0008")
    by_the_migration = computed(engine)
    different = {key: told for key, told in by_the_migration.items() if by_the_code[key] != told}
    assert different == {UUID(unknown["id"]): (None, None)}
