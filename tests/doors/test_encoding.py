"""Compressed bodies in, compressed answers out (RFC 9110 8.4)."""

import asyncio
import gzip
import json
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from app.api.encoding import PIECE_BYTES, RequestEncoding
from app.api.xapi_headers import VERSION_HEADER
from tests.conftest import Doors
from tests.doors.layers import FORM, LIMIT, STATEMENTS, client, refused
from tests.statements import completed


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("X-GZip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)],
)
@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, LIMIT])
def test_compressed_bodies_arrive_plain(encoding: str, pack: Callable[[bytes], bytes], size: int) -> None:
    plain = b"a" * size
    answer = client().post("/xapi/echo", content=pack(plain), headers={"Content-Encoding": encoding})
    seen = answer.json()
    assert seen["body"].encode() == plain
    assert "content-encoding" not in seen["headers"]


def test_no_body_at_all_is_fine() -> None:
    assert client().get("/xapi/echo", headers={"Content-Encoding": "gzip"}).json()["body"] == ""


@pytest.mark.parametrize("path", ["/xapi/echo", "/xapi/model", "/xapi/echo?method=PUT"])
@pytest.mark.parametrize("size", [LIMIT + 1, 50_000_000])
def test_a_bomb_is_too_large(path: str, size: int) -> None:
    headers = {
        "Content-Encoding": "gzip",
        "Content-Type": "application/json" if "model" in path else FORM["Content-Type"],
    }
    answer = client().post(path, content=gzip.compress(b"0" * size), headers=headers)
    assert refused(answer, 413)["code"] == "too_large"


def test_a_bomb_never_unfolds_in_memory() -> None:
    bomb = gzip.compress(bytes(200_000_000))
    sent: list[Any] = []

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        parts = []
        while (message := await receive())["more_body"]:
            parts.append(message["body"])

    async def receive() -> Any:
        return {"type": "http.request", "body": bomb, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/xapi/x", "headers": [(b"content-encoding", b"gzip")]}
    limit = 1_000_000
    tracemalloc.start()
    asyncio.run(RequestEncoding(app, max_body_bytes=limit)(scope, receive, send))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent[0]["status"] == 413
    assert peak < limit + 2 * len(bomb) + 10 * PIECE_BYTES


@pytest.mark.parametrize("path", ["/xapi/echo", "/xapi/model"])
@pytest.mark.parametrize("damage", ["short", "flipped", "no gzip", "more"])
def test_damage_is_told(path: str, damage: str) -> None:
    good = gzip.compress(b'{"a": 1}' * 50)
    body = {
        "short": good[:-4],
        "flipped": good[:-6] + bytes([good[-6] ^ 1]) + good[-5:],
        "no gzip": b'{"a": 1}',
        "more": good + good,
    }[damage]
    answer = client().post(path, content=body, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"})
    assert "decompress" in refused(answer)["detail"]


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "nonsense"])
def test_unknown_encodings_are_refused_with_what_is_known(encoding: str) -> None:
    answer = client().post("/xapi/echo", content=b"x", headers={"Content-Encoding": encoding})
    assert refused(answer, 415)["code"] == "unknown_encoding"
    assert "gzip" in answer.headers["Accept-Encoding"]


def test_pieces_come_through_one_byte_at_a_time() -> None:
    packed = gzip.compress(b"abc" * 1000)
    answer = client().post(
        "/xapi/echo", content=(bytes([byte]) for byte in packed), headers={"Content-Encoding": "gzip"}
    )
    assert answer.json()["body"] == "abc" * 1000


def test_a_compressed_statement_is_stored(doors: Doors, drain: Callable[[], int]) -> None:
    headers = {VERSION_HEADER: "1.0.3", "Content-Type": "application/json", "Content-Encoding": "gzip"}
    body = gzip.compress(json.dumps([completed(), completed()]).encode())
    answer = doors.client.post(STATEMENTS, content=body, headers=headers, auth=doors.sender)
    assert answer.status_code == 200
    assert len(answer.json()) == 2
    assert drain() == 1


def test_long_answers_are_compressed_for_who_wants_it() -> None:
    answer = client().get("/elsewhere", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.json() == "x" * 5_000
    assert "Content-Encoding" not in client().get("/elsewhere", headers={"Accept-Encoding": "identity"}).headers
