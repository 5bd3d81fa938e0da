"""Parameters, documents and headers that break naive doors."""

from urllib.parse import quote

import pytest
from sqlalchemy import select

from app.api.xapi_version import VERSION_HEADER
from app.database import session_scope
from app.ingest.models import DeadLetter
from tests.conftest import Doors
from tests.statements import completed

STANDARD = "/xapi/statements"
LONG = "https://x.example/" + "y" * 60_000
AGENT = '{"mbox":"mailto:sam@example.org"}'


@pytest.mark.parametrize(
    "name", ["agent", "verb", "activity", "registration", "since", "limit", "statementId", "after"]
)
@pytest.mark.parametrize(
    "value",
    [
        *("\x00", "\ufffd", "https://x.example/\x00", "1e400"),
        '{"account":{"homePage":"https://x.example","name":"\\ud800"}}',
        *("[" * 15_000, '{"mbox":' * 900 + "1" + "}" * 900, "null", "\u0663", "9" * 4_500, "0000-00-00T00:00:00Z"),
        *("2026-01-01T00:00:00Z_" + "9" * 4_500, "0001-01-01T00:00:00+14:00_1", "9999-12-31T23:59:59-14:00"),
    ],
)
def test_no_parameter_breaks_a_query(doors: Doors, name: str, value: str) -> None:
    answer = doors.client.get(f"{STANDARD}?{name}={quote(value)}", auth=doors.sender, headers={VERSION_HEADER: "1.0.3"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["problems"][0]["path"].startswith(f"?{name}")


@pytest.mark.parametrize("query", [f"verb={LONG}", "agent=" + quote(AGENT.replace("sam", "s" * 50_000))])
def test_long_parameters_are_looked_for_like_short_ones(doors: Doors, query: str) -> None:
    answer = doors.client.get(f"{STANDARD}?{query}", auth=doors.sender, headers={VERSION_HEADER: "1.0.3"})
    assert (answer.status_code, answer.json()["statements"]) == (200, [])


@pytest.mark.parametrize(
    ("parameters", "body", "status"),
    [
        ({"stateId": "\x00"}, b"{}", 400),
        ({"activityId": "urn:\x00"}, b"{}", 400),
        ({"agent": "[" * 15_000}, b"{}", 400),
        ({"agent": '{"account":{"homePage":"urn:x","name":"a\\u0000b"}}'}, b'{"a":"\\u0000"}', 204),
        ({"stateId": "\uffff" * 5_000}, b'{"\\u0000":18446744073709551616}', 204),
        ({}, b"[" * 100_000, 400),
        ({}, b'{"a":1e400}', 400),
        ({}, b'{"a":"\\ud800"}', 400),
        ({}, b'{"a":"\xff"}', 400),
        ({}, b'{"a":' * 900 + b"1" + b"}" * 900, 204),
    ],
)
def test_documents_are_refused_or_come_back_to_the_letter(
    doors: Doors, parameters: dict[str, str], body: bytes, status: int
) -> None:
    about = {"activityId": "https://x.example", "agent": AGENT, "stateId": "s", **parameters}
    ask = lambda method, content=None: doors.client.request(  # noqa: E731
        method,
        "/xapi/activities/state",
        params=about,
        content=content,
        auth=doors.sender,
        headers={VERSION_HEADER: "1.0.3", "Content-Type": "application/json"},
    )
    assert ask("PUT", body).status_code == status
    if status == 204:
        assert ask("GET").content == body
        assert ask("POST", b'{"z":"\\u0000"}').status_code == 204
        assert ask("GET").content == body[:-1] + b',"z":"\\u0000"}'


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/cohorts/a", b'{"name": "a\\u0000b"}'),
        ("PUT", "/api/cohorts/a", b'{"name": "a\\ud800b"}'),
        ("PUT", "/api/cohorts/a", b'{"name": "A", "learners": [{"name": "\\u0000", "phone": "+4930123456"}]}'),
        ("PUT", "/api/cohorts/a", b"\xff"),
        ("PUT", "/api/cohorts/a", b"[" * 50_000),
        ("PUT", "/api/cohorts/a", b'{"name": 1' + b"0" * 5_000 + b"}"),
        ("PUT", "/api/cohorts/a", b'{"name": NaN}'),
        ("PUT", "/api/cohorts/a", b'{"name": "A", "lessons": [{"activity_id": "urn:x", "due_on": 1e400}]}'),
        (
            "PUT",
            "/api/cohorts/a",
            b'{"name": "A", "lessons": [{"activity_id": "urn:x", "due_on": 1' + b"0" * 400 + b"}]}",
        ),
        ("PUT", "/api/cohorts/a", b'{"name": "A", "lessons": ' + b'{"a":' * 900 + b"1" + b"}" * 901),
        ("PUT", "/api/cohorts/%00", b"{}"),
        ("GET", "/api/reports/cohorts/%00/completions", b""),
        ("GET", "/api/reports/cohorts/5389ed44-e618-4a66-9a43-7a0b282fd837/completions?format=xml", b""),
    ],
)
def test_an_admin_who_sends_nonsense_is_told_so(doors: Doors, method: str, path: str, body: bytes) -> None:
    answer = doors.client.request(method, path, content=body, headers=doors.admin)
    assert answer.status_code == 400, answer.text
    assert answer.json()["problems"]


@pytest.mark.parametrize("statement_id", ["\x00", "é", "a" * 5_000])
def test_a_statement_id_of_any_kind_is_a_400(doors: Doors, statement_id: str) -> None:
    assert doors.put(completed(), statement_id).json()["problems"][0]["path"] == "?statementId"


def test_odd_headers_change_nothing(doors: Doors) -> None:
    answer = doors.client.post(
        "/api/xapi/statements",
        content=b'{"a": "\\u0000"}',
        auth=doors.sender,
        headers={"Content-Type": b"x\x80y", "X-Request-ID": b"\xff", "Accept": b"\xfe"},  # type: ignore[dict-item]
    )
    assert answer.status_code == 400
    with session_scope() as db:
        assert (db.scalars(select(DeadLetter.content_type)).one() or "").endswith("\x80y")
