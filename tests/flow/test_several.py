"""Two API processes and two workers on one set of stores: whichever is asked answers the same, and none is missed.

They run as the containers run them: `python -m app serve` and `dramatiq app.worker`, each a process of its own.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from sqlalchemy import create_engine, text

from app.config import Settings
from tests.flow.sender import Sender
from tests.flow.system import ROOT, free_port, wait_for
from tests.rooms.cli.test_backup import LOAD
from tests.statements import completed
from tests.stores import Stores

pytestmark = pytest.mark.flow

ADMIN = {"Authorization": "Bearer the admin token of the tests"}
WORKER = (sys.executable, "-m", "dramatiq", "app.worker", "--processes", "1", "--threads", "4")
NAME_TRIES, SIGNUPS = 4, 4
ENOUGH = 1_000


@dataclass
class Several:
    """What runs. a, b: clients of the two APIs."""

    environment: dict[str, str]
    log: Path
    stream: redis.Redis
    ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))
    apis: list[subprocess.Popen[bytes]] = field(default_factory=list)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    a: httpx.Client = field(init=False)
    b: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.a, self.b = (httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=15) for port in self.ports)
        self.sender = (self.environment["PUBLIC_PEM"], self.environment["SECRET_PEM"])

    def spawn(self, *command: str, **settings: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                command, cwd=ROOT, env={**self.environment, **settings}, stdout=output, stderr=subprocess.STDOUT
            )

    def api(self, number: int) -> None:
        self.apis.append(self.spawn(sys.executable, "-m", "app", "serve", PORT=str(self.ports[number])))

    def answers(self) -> bool:
        for client in (self.a, self.b):
            try:
                if client.get("/health").status_code != 200:
                    return False
            except httpx.TransportError:
                return False
        return True

    def consumers(self) -> set[str]:
        """The workers that read the stream now."""
        try:
            return {one["name"].decode() for one in self.stream.xinfo_consumers("statements", "loader")}  # type: ignore[union-attr]
        except redis.ResponseError:
            return set()

    def sql(self, query: str) -> list[Any]:
        engine = create_engine(Settings(database_url=self.environment["DATABASE_URL"]).sqlalchemy_url)
        with engine.connect() as connection:
            rows = list(connection.execute(text(query)))
        engine.dispose()
        return rows


@pytest.fixture(scope="module")
def several(stores: Stores, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Several]:
    from tests.conftest import TEMPLATE

    name = f"seventaps_several_{os.getpid()}"
    client = redis.Redis.from_url(stores.redis_url)
    client.flushall()
    folder = tmp_path_factory.mktemp("several")
    running = Several(
        {
            **os.environ,
            "DATABASE_URL": stores.create_database(name, TEMPLATE),
            "DATA_DIR": str(folder),
            "HOST": "::",
            "CREDENTIAL_CACHE_SECONDS": "0",
            "LOADER_CLAIM_IDLE_SECONDS": "2",
            "LOGIN_MAX_PER_NAME_PER_QUARTER_HOUR": str(NAME_TRIES),
            "SIGNUP_MAX_PER_ADDRESS_PER_HOUR": str(SIGNUPS),
        },
        folder / "log.txt",
        client,
    )
    for number in (0, 1):
        running.api(number)
        running.workers.append(running.spawn(*WORKER))
    try:
        wait_for(running.answers)
        wait_for(lambda: len(running.consumers()) == 2)
        yield running
    finally:
        everybody = [*running.apis, *running.workers]
        for process in everybody:
            process.send_signal(signal.SIGTERM)
        for process in everybody:
            process.wait(60)
        client.flushall()
        stores.drop_database(name)


def log_in(client: httpx.Client, **fields: str) -> httpx.Response:
    """The form of the login page, sent from a browser that knows nothing yet."""
    client.cookies.clear()
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/ui/login").text)
    assert found
    return client.post("/ui/login", data={"csrf_token": found[1], **fields})


def test_an_id_that_one_took_is_known_to_the_other(several: Several) -> None:
    statement = completed("one@example.org")
    where = f"/api/xapi/statements?statementId={statement['id']}"
    assert several.a.put(where, json=statement, auth=several.sender).status_code == 204
    assert several.b.put(where, json=statement, auth=several.sender).status_code == 204
    other = {**statement, "verb": {"id": "http://adlnet.gov/expapi/verbs/failed"}}
    assert several.b.put(where, json=other, auth=several.sender).status_code == 409


def test_what_one_accepted_the_other_reads_at_once(several: Several) -> None:
    headers = {"X-Experience-API-Version": "1.0.3"}
    for number in range(10):
        statement = completed(f"reader{number}@example.org")
        assert (
            several.a.post("/xapi/statements", json=statement, auth=several.sender, headers=headers).status_code == 200
        )
        found = several.b.get(
            "/xapi/statements", params={"statementId": statement["id"]}, auth=several.sender, headers=headers
        )
        assert found.json()["actor"] == statement["actor"]


def test_a_session_holds_at_both_and_ends_at_both(several: Several) -> None:
    assert log_in(several.a, admin_token=ADMIN["Authorization"].removeprefix("Bearer ")).status_code == 303
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in several.a.cookies.items())}
    several.a.cookies.clear()
    who = several.b.get("/api/session", headers=cookie).json()
    assert who["role"] == "admin"
    ended = several.b.post("/ui/logout", data={"csrf_token": who["csrf_token"]}, headers=cookie)
    assert ended.status_code == 303
    assert several.a.get("/api/session", headers=cookie).status_code == 401


def test_tries_to_log_in_are_counted_together(several: Several) -> None:
    told = [
        log_in(client, name="nobody", password="x").status_code
        for client in (several.a, several.b, several.a, several.b, several.a, several.b)
    ]
    assert told == [401] * NAME_TRIES + [429, 429]


def test_sign_ups_from_an_address_are_counted_together(several: Several) -> None:
    told = [
        client.post("/api/signup", json={"name": f"N {n}", "email": f"n{n}@example.org"}).status_code
        for n, client in enumerate((several.a, several.b) * 3)
    ]
    assert [status < 300 for status in told] == [True] * SIGNUPS + [False, False]
    assert told[SIGNUPS:] == [429, 429]


def test_what_is_put_at_one_is_there_at_the_other(several: Several) -> None:
    made = several.a.put("/api/cohorts/spring", json={"name": "Spring"}, headers=ADMIN).json()
    assert [one["id"] for one in several.b.get("/api/cohorts", headers=ADMIN).json()] == [made["id"]]


def test_two_senders_two_doors_two_workers_a_kill_of_each_and_none_is_missed_or_doubled(several: Several) -> None:
    before = {str(row[0]) for row in several.sql("SELECT id FROM bronze.statements_raw")}
    senders = [Sender(port, several.sender, connections=4) for port in several.ports]
    for sender in senders:
        sender.start()
    try:
        wait_for(lambda: all(len(sender.acknowledged) >= ENOUGH for sender in senders))
        # Both take part: neither waits for the other.
        wait_for(lambda: len(re.findall(rb'"event": "consumer started"', several.log.read_bytes())) >= 2)
        # The group of a worker dies with it: Dramatiq's own child has the stream.
        several.workers[0].kill()
        several.apis[0].kill()
        several.apis[0].wait()
        reached = len(senders[1].acknowledged)
        wait_for(lambda: len(senders[1].acknowledged) >= reached + ENOUGH)
        several.api(0)
        reached = len(senders[0].acknowledged)
        wait_for(lambda: len(senders[0].acknowledged) >= reached + ENOUGH)
    finally:
        for sender in senders:
            sender.stop()
    sent = senders[0].sent | senders[1].sent
    assert [sender.surprises for sender in senders] == [[], []]
    assert senders[0].acknowledged | senders[1].acknowledged == sent
    wait_for(lambda: several.stream.xlen("statements") == 0)
    raw = [str(row[0]) for row in several.sql("SELECT id FROM bronze.statements_raw")]
    flat = [str(row[0]) for row in several.sql("SELECT statement_id FROM silver.statements_flat")]
    assert len(raw) == len(set(raw))
    assert sorted(flat) == sorted(raw)
    assert set(raw) - before == sent
    assert several.sql("SELECT reason FROM ops.dead_letters WHERE code <> 'conflict'") == []
    several.workers.append(several.spawn(*WORKER))


def test_a_backup_under_way_misses_nothing_that_was_taken_before_it_began(
    several: Several, stores: Stores, tmp_path: Path
) -> None:
    url, stream = stores.create_database(f"seventaps_several_back_{os.getpid()}"), f"several-back-{os.getpid()}"
    elsewhere = {**several.environment, "DATABASE_URL": url, "STREAM_NAME": stream}
    senders = [Sender(port, several.sender, connections=4) for port in several.ports]
    for sender in senders:
        sender.start()
    try:
        for turn in range(3):
            reached = len(senders[0].acknowledged)
            wait_for(lambda reached=reached: len(senders[0].acknowledged) >= reached + 300)  # type: ignore[misc]
            before = {*senders[0].acknowledged, *senders[1].acknowledged}
            file = tmp_path / str(turn)
            assert several.spawn(sys.executable, "-m", "app", "backup", str(file)).wait(60) == 0
    finally:
        for sender in senders:
            sender.stop()
    try:
        for command in (["-m", "app", "restore", str(file)], ["-c", LOAD]):
            done = subprocess.run(
                [sys.executable, *command], cwd=ROOT, env=elsewhere, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
        engine = create_engine(Settings(database_url=url).sqlalchemy_url)
        with engine.connect() as connection:
            there = {str(one) for one in connection.scalars(text("SELECT id FROM bronze.statements_raw"))}
        engine.dispose()
    finally:
        several.stream.delete(stream)
        stores.drop_database(f"seventaps_several_back_{os.getpid()}")
    assert before - there == set()


def test_either_tells_the_counts_of_all(several: Several) -> None:
    counted = r'seventaps_statements_loaded_total\{outcome="new"\} (\S+)'
    stored = several.sql("SELECT count(*) FROM bronze.statements_raw")[0][0]

    def told(client: httpx.Client) -> float:
        found = re.search(counted, client.get("/metrics", headers=ADMIN).text)
        return float(found[1]) if found else 0.0

    # What the killed worker counted in its last five seconds may be missing; each of the two tells more than its own.
    wait_for(lambda: told(several.a) == told(several.b) > stored / 2)
    assert wait_for(lambda: 'seventaps_processes{kind="api"} 2.0' in several.b.get("/metrics", headers=ADMIN).text)
