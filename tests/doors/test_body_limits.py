"""Bodies longer than allowed: every door stops reading in time and says so, however the body comes.

What is counted is what the application takes from the server, which itself reads no further ahead than a buffer.
"""

import base64
import tracemalloc
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import func, select

from app.config import get_settings
from app.database import session_scope
from app.ingest.models import DeadLetter
from tests.conftest import Doors
from tests.statements import completed

GIBIBYTE = 2**30
PIECE = 64 * 1024
DOCUMENT = "activityId=urn:x&stateId=s&agent=%7B%22mbox%22%3A%22mailto%3Aa%40example.org%22%7D"
DOORS = {
    "PUT /xapi/statements": f"statementId={uuid4()}",
    "POST /xapi/statements": "",
    "PUT /api/xapi/statements": f"statementId={uuid4()}",
    "POST /api/xapi/statements": "",
    "POST /xapi/statements, alternate syntax": "method=PUT",
    "PUT /xapi/activities/state": DOCUMENT,
    "POST /xapi/activities/state": DOCUMENT,
    "PUT /api/cohorts/a": "",
}
EVERY_DOOR = pytest.mark.parametrize("door", DOORS)


def plain(total: int = GIBIBYTE) -> Iterator[bytes]:
    """A body of zeros, each piece new in memory."""
    for _ in range(total // PIECE):
        yield bytes(PIECE)


def packed(level: int) -> Iterator[bytes]:
    """The same, compressed; one piece out for each piece in. Level 0 only wraps it."""
    packer = zlib.compressobj(level, wbits=16 + zlib.MAX_WBITS)
    for piece in plain():
        yield packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)


@dataclass
class Knock:
    """One request, straight into the application, and what came of it."""

    doors: Doors
    door: str
    pieces: Iterator[bytes]
    pulled_bytes: int = 0
    pulled_pieces: int = 0
    sent: list[Any] = field(default_factory=list)

    async def _receive(self) -> dict[str, Any]:
        piece = next(self.pieces, b"")
        self.pulled_bytes += len(piece)
        self.pulled_pieces += 1
        return {"type": "http.request", "body": piece, "more_body": bool(piece)}

    async def _send(self, message: Any) -> None:
        self.sent.append(message)

    async def _run(self, headers: dict[str, str]) -> None:
        method, path = self.door.split(",")[0].split(" ")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": DOORS[self.door].encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        await self.doors.client.app(scope, self._receive, self._send)

    def with_headers(self, **more: str) -> tuple[int, str]:
        """The status and the code of the answer."""
        basic = base64.b64encode(":".join(self.doors.sender).encode()).decode()
        headers = {
            "Authorization": f"Basic {basic}",
            "X-Experience-API-Version": "1.0.3",
            "Content-Type": "application/json",
        }
        if "alternate" in self.door:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        if "cohorts" in self.door:
            headers |= self.doors.admin
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        portal = self.doors.client.portal
        assert portal is not None
        portal.call(self._run, {name: value for name, value in headers.items() if value})
        body = b"".join(message.get("body", b"") for message in self.sent)
        return self.sent[0]["status"], orjson.loads(body)["code"]


@pytest.fixture(autouse=True)
def a_sender_who_is_known(doors: Doors) -> None:
    """Senders who proved themselves a moment ago are answered in a shorter way; it has to be as careful."""
    assert doors.post(completed()).status_code == 200


@pytest.fixture(autouse=True)
def nothing_is_kept(doors: Doors) -> Iterator[None]:
    """A body that may not be read cannot be kept either."""
    yield
    with session_scope() as db:
        assert db.scalar(select(func.count()).select_from(DeadLetter)) == 0


@EVERY_DOOR
def test_a_length_that_is_too_large_is_enough_to_refuse(doors: Doors, door: str) -> None:
    knock = Knock(doors, door, plain())
    assert knock.with_headers(Content_Length=str(GIBIBYTE)) == (413, "too_large")
    assert knock.pulled_bytes == 0


@EVERY_DOOR
@pytest.mark.parametrize("length", ["", "17", "\u00b2"])
def test_a_body_without_its_length_is_read_up_to_the_limit(doors: Doors, door: str, length: str) -> None:
    knock = Knock(doors, door, plain())
    assert knock.with_headers(Content_Length=length) == (413, "too_large")
    assert knock.pulled_bytes <= get_settings().max_body_bytes + PIECE


@EVERY_DOOR
@pytest.mark.parametrize("length", ["", "1000000"])
def test_a_small_body_that_unpacks_to_a_large_one_is_unpacked_up_to_the_limit(
    doors: Doors, door: str, length: str
) -> None:
    knock = Knock(doors, door, packed(9))
    assert knock.with_headers(Content_Encoding="gzip", Content_Length=length) == (413, "too_large")
    assert (knock.pulled_pieces - 2) * PIECE <= get_settings().max_body_bytes
    assert knock.pulled_bytes < get_settings().max_body_bytes / 100


@EVERY_DOOR
def test_a_large_body_that_is_wrapped_is_read_up_to_the_limit(doors: Doors, door: str) -> None:
    knock = Knock(doors, door, packed(0))
    assert knock.with_headers(Content_Encoding="gzip") == (413, "too_large")
    assert knock.pulled_bytes <= get_settings().max_body_bytes + 2 * PIECE


@EVERY_DOOR
def test_a_large_body_that_is_damaged_is_read_up_to_the_limit(doors: Doors, door: str) -> None:
    knock = Knock(doors, door, plain())
    assert knock.with_headers(Content_Encoding="gzip") == (413, "too_large")
    assert knock.pulled_bytes <= get_settings().max_body_bytes + PIECE


@pytest.mark.parametrize("door", [door for door in DOORS if "cohorts" not in door and "alternate" not in door])
def test_a_strangers_body_is_not_read_at_all(doors: Doors, door: str) -> None:
    knock = Knock(doors, door, plain())
    assert knock.with_headers(Authorization="") == (401, "not_authenticated")
    assert knock.pulled_bytes == 0


@EVERY_DOOR
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_no_more_than_the_limit_is_ever_in_memory(doors: Doors, door: str, encoding: str) -> None:
    most = get_settings().max_body_bytes
    tracemalloc.start()
    status, _ = Knock(doors, door, packed(0) if encoding else plain()).with_headers(Content_Encoding=encoding)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert status == 413
    assert peak < (2.2 if encoding else 1.1) * most
