"""How the doors for monitoring are read, looked at anew each time."""

import json
import socket
from typing import Any

import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from app.api import watching
from app.config import get_settings
from tests.conftest import Doors

NAMES = [
    "accepting",
    "migrations",
    "postgresql",
    "redis",
    "redis_durable",
    "lag",
    "loader",
    "dead_letters",
    "reconcile",
]
SECRET = "pass-word-of-the-store"


@pytest.fixture(autouse=True)
def looked_at_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "SEEN_SECONDS", 0.0)


def ready(doors: Doors, **headers: str) -> tuple[int, dict[str, Any], dict[str, Any]]:
    """Status, the whole answer, its checks by name."""
    answer = doors.client.get("/health/ready", headers=headers)
    told = answer.json()
    assert [check["name"] for check in told["checks"]] == NAMES
    assert told["ready"] == (answer.status_code == 200)
    assert told["degraded"] == (not all(check["ok"] for check in told["checks"]))
    return answer.status_code, told, {check["name"]: check for check in told["checks"]}


def failing(checks: dict[str, Any]) -> set[str]:
    return {name for name, check in checks.items() if not check["ok"]}


def figures(doors: Doors) -> dict[str, float]:
    """The page of /metrics: name and labels of each sample, as written, with its value."""
    answer = doors.client.get("/metrics", headers=doors.admin)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        sample.name + (json.dumps(sample.labels, sort_keys=True) if sample.labels else ""): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def name(sample: str, **labels: str) -> str:
    return f"seventaps_{sample}{json.dumps(labels, sort_keys=True)}" if labels else f"seventaps_{sample}"


def nobody(scheme: str) -> str:
    """The address of a store that is away."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"{scheme}://a-user:{SECRET}@127.0.0.1:{probe.getsockname()[1]}/0"


def store() -> redis.Redis:
    return redis.Redis.from_url(get_settings().required_redis_url)
