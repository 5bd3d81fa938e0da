"""What is between the wire and the doors: version header, alternate requests, pages of other sites."""

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from app.api.xapi_headers import reply_version
from app.api.xapi_version import ASSUMED_VERSION, VERSION_HEADER
from tests.conftest import Doors
from tests.doors.layers import FORM, LIMIT, STATEMENTS, client, refused
from tests.statements import completed


def alternate(method: str, fields: dict[str, str] | None = None, path: str = "/xapi/echo", **headers: str) -> Any:
    """Send an alternate request and return the answer."""
    body = urlencode(fields or {})
    return client().post(path, params={"method": method}, content=body, headers={**FORM, **headers})


# --- Communication 3.3: the version in every reply


@pytest.mark.parametrize(
    ("requested", "told"),
    [
        (None, "1.0.3"),
        ("1.0", "1.0.0"),
        ("1.0.0", "1.0.0"),
        ("1.0.3", "1.0.3"),
        ("2.0", "2.0.0"),
        ("2.0.0", "2.0.0"),
        ("0.95", "1.0.3"),
        ("1.1.0", "1.0.3"),
        ("2.0.0\r\nX: y", "1.0.3"),
        ("", "1.0.3"),
    ],
)
def test_a_reply_names_the_requested_version_or_the_usual_one(requested: str | None, told: str) -> None:
    assert reply_version(requested) == told


@pytest.mark.parametrize(("version", "told"), [("1.0.3", "1.0.3"), ("2.0.0", "2.0.0"), (None, ASSUMED_VERSION)])
def test_refusals_and_failures_name_the_version_too(version: str | None, told: str) -> None:
    headers = {VERSION_HEADER: version} if version else {}
    api = client()
    for method, path, more, status in (
        ("GET", "/xapi/echo", {}, 200),
        ("GET", "/xapi/nothing", {}, 404),
        ("PATCH", "/xapi/echo", {}, 405),
        ("GET", "/xapi/broken", {}, 500),
        ("OPTIONS", "/xapi/echo", {}, 204),
        ("POST", "/xapi/echo", {"Content-Encoding": "br"}, 415),
    ):
        answer = api.request(method, path, headers={**headers, **more})
        assert (answer.status_code, answer.headers.get(VERSION_HEADER)) == (status, told)
        assert answer.headers["X-Request-ID"]


def test_the_header_stays_away_from_other_paths() -> None:
    assert VERSION_HEADER not in client().get("/elsewhere").headers


@pytest.mark.parametrize("version", [None, "0.9", "1.1.0", "3.0.0"])
def test_the_door_refuses_and_names_what_it_speaks(doors: Doors, version: str | None) -> None:
    headers = {VERSION_HEADER: version} if version else {}
    answer = doors.client.post(STATEMENTS, json=completed(), auth=doors.sender, headers=headers)
    refused(answer)
    assert answer.headers[VERSION_HEADER] == "1.0.3"


def test_strangers_are_told_the_version(doors: Doors) -> None:
    assert refused(doors.client.post(STATEMENTS, json=completed(), headers={VERSION_HEADER: "2.0.0"}), 401)


# --- Communication 1.3: the alternate request syntax


def test_the_form_becomes_the_request_it_means() -> None:
    fields = {
        "AUTHORIZATION": "Basic abc",
        "x-experience-api-version": "1.0.2",
        "Content-Type": "text/plain",
        "Content-Length": "1",
        "If-Match": '"e"',
        "If-None-Match": "*",
        "activityId": "https://example.org/a?b=c&d=ü",
        "content": "größer & + =",
    }
    answer = alternate("PUT", fields, Authorization="Basic other", **{"X-Other": "kept", VERSION_HEADER: "1.0.0"})
    seen = answer.json()
    assert seen["method"] == "PUT"
    assert seen["query"] == [["activityId", "https://example.org/a?b=c&d=ü"]]
    assert seen["body"].encode("latin-1").decode() == "größer & + ="
    told = {name: seen["headers"].get(name) for name in ("authorization", "content-type", "if-match", "if-none-match")}
    assert told == {"authorization": "Basic abc", "content-type": "text/plain", "if-match": '"e"', "if-none-match": "*"}
    assert seen["headers"]["content-length"] == str(len("größer & + =".encode()))
    assert seen["headers"]["x-other"] == "kept"
    assert answer.headers[VERSION_HEADER] == "1.0.2"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_requests_without_a_body_need_no_content(method: str) -> None:
    seen = alternate(method, {"limit": "1", "agent": '{"mbox":"mailto:a@b.c"}'}).json()
    assert (seen["method"], seen["body"]) == (method, "")
    assert seen["query"] == [["limit", "1"], ["agent", '{"mbox":"mailto:a@b.c"}']]
    assert "content-type" not in seen["headers"]


def test_content_is_json_unless_the_form_says_otherwise() -> None:
    assert alternate("POST", {"content": "{}"}).json()["headers"]["content-type"] == "application/json"


def test_head_has_no_body_and_promises_none() -> None:
    answer = alternate("HEAD")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_sending_needs_content(method: str) -> None:
    assert refused(alternate(method, {"statementId": "x"}))["problems"][0]["path"] == "content"


@pytest.mark.parametrize("query", ["method=PUT&statementId=1", "a=&method=GET", "method=GET&method=GET", "method=put"])
def test_nothing_but_one_known_method_in_the_address(query: str) -> None:
    refused(client().post(f"/xapi/echo?{query}", content="content=1", headers=FORM))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_a_post_is_an_alternate_request(method: str) -> None:
    refused(client().request(method, "/xapi/echo?method=POST", content="content=1", headers=FORM))


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"content=1"),
        ("", b""),
        (FORM["Content-Type"], b'{"content":"{}"}'),
        (FORM["Content-Type"], b"content=%FF"),
        (FORM["Content-Type"], b"content=\xff"),
        (FORM["Content-Type"], b"content=1&content=2"),
        (FORM["Content-Type"], b"content=1&If-Match=a&if-match=b"),
        (FORM["Content-Type"], b"content=1&If-Match=a%0d%0ab"),
        (FORM["Content-Type"], b"content=1&" + b"&".join(b"f=1" for _ in range(200))),
    ],
)
def test_what_is_no_proper_form_is_refused(content_type: str, body: bytes) -> None:
    refused(client().post("/xapi/echo?method=PUT", content=body, headers={"Content-Type": content_type}))


@pytest.mark.parametrize("version", ["2.0", "2.0.0", "2.0.1"])
def test_version_two_has_no_alternate_requests(version: str) -> None:
    around = alternate("GET", {VERSION_HEADER: "1.0.3"}, **{VERSION_HEADER: version})
    inside = alternate("GET", {VERSION_HEADER: version})
    assert refused(around)["problems"] == refused(inside)["problems"]


def test_a_form_over_the_limit_is_refused() -> None:
    assert refused(alternate("PUT", {"content": "x" * LIMIT}), 413)["code"] == "too_large"


def test_other_paths_may_have_a_parameter_of_that_name() -> None:
    assert client().get("/elsewhere", params={"method": "PUT"}).status_code == 200


def test_a_statement_comes_in_with_everything_in_the_form(doors: Doors, drain: Callable[[], int]) -> None:
    statement = completed()
    user, password = doors.sender
    fields = {
        "statementId": statement["id"],
        "content": json.dumps(statement),
        VERSION_HEADER: "1.0.3",
        "Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode(),
    }
    answer = doors.client.post(f"{STATEMENTS}?method=PUT", content=urlencode(fields), headers=FORM)
    assert answer.status_code == 204
    assert drain() == 1


def test_a_version_in_the_form_counts(doors: Doors) -> None:
    fields = {"statementId": str(uuid4()), "content": json.dumps(completed()), VERSION_HEADER: "0.8"}
    headers = {**FORM, VERSION_HEADER: "1.0.3"}
    answer = doors.client.post(
        f"{STATEMENTS}?method=PUT", content=urlencode(fields), headers=headers, auth=doors.sender
    )
    refused(answer)


# --- pages of other sites

PREFLIGHT = {
    "Origin": "https://a.example",
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "authorization, x-experience-api-version, if-match, content-encoding",
}


@pytest.mark.parametrize("origins", ["https://a.example/, https://b.example", "*"])
def test_a_known_site_may_call_without_cookies(origins: str) -> None:
    api = client(cors_origins=origins)
    asked = api.options("/xapi/echo", headers=PREFLIGHT)
    assert asked.status_code == 200
    assert "PUT" in asked.headers["Access-Control-Allow-Methods"]
    for path in ("/xapi/echo", "/xapi/broken"):
        answer = api.get(path, headers={"Origin": "https://a.example"})
        assert answer.headers["Access-Control-Allow-Origin"] in ("*", "https://a.example")
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "X-Experience-API-Consistent-Through" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("origins", ["", "https://b.example"])
def test_an_unknown_site_may_not(origins: str) -> None:
    api = client(cors_origins=origins)
    assert "Access-Control-Allow-Origin" not in api.options("/xapi/echo", headers=PREFLIGHT).headers
    answer = api.get("/xapi/echo", headers={"Origin": "https://a.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("path", ["/xapi/statements", "/xapi/about"])
def test_options_names_the_methods(doors: Doors, path: str) -> None:
    answer = doors.client.options(path)
    assert answer.status_code == 204
    assert set(answer.headers["Allow"].split(", ")) >= {"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"}
    assert answer.headers[VERSION_HEADER] == "1.0.3"
