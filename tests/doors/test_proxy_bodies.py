"""What SQLPad and its callers send each other: piece by piece, bounded, and told in words when it does not come."""

import socket
import tracemalloc
from typing import Any

import httpx
import pytest
from starlette.testclient import WebSocketDenialResponse

from tests.browser.serving import api
from tests.conftest import Doors
from tests.doors.proxied import MEGABYTE, MOST_BYTES, PAD, PAGE, boss, client, here, pad, running, saying  # noqa: F401
from tests.doors.sqlpad import DOWNLOAD_PIECES, PATIENCE_S, PIECE, SqlPad
from tests.doors.test_signup import doors_with


def test_a_large_download_passes_piece_by_piece(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    plain = {**boss, "Accept-Encoding": "identity"}
    with client.stream("GET", f"{PAD}/statement-results/big.csv?held=1", headers=plain) as answer:
        pieces = answer.iter_raw()
        got = 0
        while got < len(PIECE) * DOWNLOAD_PIECES // 2:
            got += len(next(pieces))
        assert not pad.ended.is_set(), "the first half is here while the second is not made yet"
        pad.go_on.set()
        assert got + sum(map(len, pieces)) == len(PIECE) * DOWNLOAD_PIECES
    tracemalloc.start()
    try:
        with client.stream("GET", f"{PAD}/statement-results/big.csv", headers=plain) as answer:
            assert answer.headers["content-type"].startswith("text/csv")
            assert sum(map(len, answer.iter_raw())) == len(PIECE) * DOWNLOAD_PIECES > 50 * MEGABYTE
        assert tracemalloc.get_traced_memory()[1] < 10 * MEGABYTE
    finally:
        tracemalloc.stop()


def test_who_leaves_ends_the_download(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    with client.stream("GET", f"{PAD}/statement-results/big.csv?held=1", headers=boss) as answer:
        next(answer.iter_raw())
    assert pad.ended.wait(PATIENCE_S)


def test_uploads_pass_up_to_the_limit(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    headers = {**boss, **here(client)}
    answer = client.post(f"{PAD}/upload", content=b"x" * MEGABYTE, headers=headers)
    assert answer.json() == {"bytes": MEGABYTE}
    assert pad.seen[-1].headers["content-length"] == str(MEGABYTE)
    unknown = client.put(f"{PAD}/upload", content=iter([b"x" * 1_000] * 100), headers=headers)
    assert unknown.json() == {"bytes": 100_000}
    for content in (b"x" * (MOST_BYTES + 1), iter([b"x" * MEGABYTE] * 3)):
        refused = client.post(f"{PAD}/upload", content=content, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
        assert pad.seen[-1].body_bytes <= MOST_BYTES


def test_silence_is_told_in_words(client: Any, boss: dict[str, str], pad: SqlPad) -> None:
    answer = client.get(f"{PAD}/silent", headers=boss)
    assert (answer.status_code, answer.json()["code"]) == (502, "tool_failed")
    assert "said nothing for 3 seconds" in answer.json()["detail"]


def test_a_tool_that_is_away_is_told_in_words(doors: Doors) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with doors_with(superset_url="", sqlpad_url=f"http://127.0.0.1:{nobody.getsockname()[1]}") as client:
            answer = client.get(f"{PAD}/", headers=doors.admin)
            assert (answer.status_code, answer.json()["code"]) == (503, "tool_away")
            page = client.get(f"{PAD}/", headers={**doors.admin, **PAGE})
            assert page.status_code == 503
            assert page.headers["content-type"].startswith("text/html")
            assert "SQLPad does not answer right now" in page.text
            assert "SQLPAD_URL" in page.text
            # In the frame of our page people read this, and not that the browser refuses to show it.
            assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
            assert page.headers["x-frame-options"] == "SAMEORIGIN"
            with (
                pytest.raises(WebSocketDenialResponse) as refused,
                client.websocket_connect(f"{PAD}/echo", headers=doors.admin),
            ):
                pass
            assert refused.value.status_code == 503
            missing = client.get("/ui/superset/", headers=doors.admin)
            assert (missing.status_code, "SUPERSET_URL" in missing.json()["detail"]) == (404, True)


def test_what_is_no_http_is_told_in_words(doors: Doors) -> None:
    with saying(b"220 mail.example ESMTP\r\n") as odd, doors_with(sqlpad_url=odd) as client:
        answer = client.get(f"{PAD}/", headers=doors.admin)
    assert (answer.status_code, answer.json()["code"]) == (502, "tool_failed")


def test_half_an_answer_does_not_look_whole(doors: Doors) -> None:
    begun = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n1,Ann\r\n"
    with saying(begun) as odd, api(sqlpad_url=odd) as address, pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{address}{PAD}/statement-results/a.csv", headers=doors.admin, trust_env=False, timeout=PATIENCE_S)
