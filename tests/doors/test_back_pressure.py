"""When Redis is full: every door refuses at once, and says when to come back."""

import pytest
import redis

from app.config import get_settings
from app.platform import redis_memory
from tests.doors.elsewhere import elsewhere
from tests.flow.system import wait_for
from tests.statements import completed

pytestmark = pytest.mark.usefixtures("clean")


def test_a_redis_that_uses_too_much_memory_is_a_full_stream_at_every_door(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_memory, "LOOK_SECONDS", 0)
    monkeypatch.setattr("app.api.watching.SEEN_SECONDS", 0)
    store = redis.Redis.from_url(get_settings().required_redis_url)
    limit = int(store.info("memory")["used_memory"]) // 2**20 + 16
    with elsewhere(monkeypatch, STREAM_MAX_MEMORY_MIB=str(limit)) as doors:
        sent = completed(), completed()
        # The first request is let in by the long way, the next ones go the short one.
        assert doors.put(sent[0], sent[0]["id"]).status_code == 204
        assert doors.put(sent[1], sent[1]["id"]).status_code == 204
        assert doors.client.get("/health/ready").status_code == 200
        store.set("ballast", bytes(20 * 2**20))
        statement = completed()
        for answer in (
            doors.put(statement, statement["id"]),
            doors.client.put(
                "/xapi/statements",
                params={"statementId": statement["id"]},
                json=statement,
                auth=doors.sender,
                headers={"X-Experience-API-Version": "1.0.3"},
            ),
            doors.post([statement]),
            doors.post([statement], "/api/xapi/statements"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (503, "stream_full"), answer.text
            assert int(answer.headers["Retry-After"]) > 0
            assert "STREAM_MAX_MEMORY_MIB" in answer.json()["detail"]
        ready = doors.client.get("/health/ready")
        assert ready.status_code == 503
        assert f"of at most {limit} (STREAM_MAX_MEMORY_MIB)" in ready.json()["detail"]
        figures = doors.client.get("/metrics", headers=doors.admin).text.splitlines()
        told = dict(line.split() for line in figures if line.startswith("seventaps_redis_"))
        assert float(told["seventaps_redis_memory_bytes"]) > 20 * 2**20
        assert float(told["seventaps_redis_max_memory_bytes"]) == limit * 2**20
        # Nothing went around the stream into the record.
        assert doors.client.get("/api/debug/pipeline", headers=doors.admin).json()["raw_statements"] == 0
        assert store.xlen("statements") == len(sent)
        store.delete("ballast")
        # Redis gives the memory back in the background.
        wait_for(lambda: doors.put(statement, statement["id"]).status_code == 204)
        assert doors.client.get("/health/ready").status_code == 200


def test_a_redis_at_its_own_limit_is_a_full_stream_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    store = redis.Redis.from_url(get_settings().required_redis_url)
    with elsewhere(monkeypatch, STREAM_MAX_MEMORY_MIB="0") as doors:
        sent = completed()
        assert doors.put(sent, sent["id"]).status_code == 204
        store.config_set("maxmemory", 1)
        try:
            statement = completed()
            for answer in (doors.put(statement, statement["id"]), doors.post([statement])):
                assert (answer.status_code, answer.json()["code"]) == (503, "stream_full"), answer.text
                assert answer.headers["Retry-After"]
        finally:
            store.config_set("maxmemory", 0)
        assert doors.put(statement, statement["id"]).status_code == 204
