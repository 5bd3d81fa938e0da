"""The doors for documents, on a real PostgreSQL."""

from email.utils import parsedate_to_datetime
from hashlib import sha1
from typing import Any
from uuid import uuid4

import orjson
import pytest

from app.accounts import credentials
from app.database import session_scope
from app.platform import clock, keys
from tests.conftest import Doors

VERSION = "X-Experience-API-Version"
ACTIVITY = {"activityId": "https://app.7taps.com/lessons/1?a=b&c"}
AGENT = {"agent": '{"objectType": "Agent", "mbox": "mailto:Sam@example.org"}'}
STATE = ("/xapi/activities/state", ACTIVITY | AGENT, "stateId")
AGENT_PROFILE = ("/xapi/agents/profile", AGENT, "profileId")
ACTIVITY_PROFILE = ("/xapi/activities/profile", ACTIVITY, "profileId")
Door = tuple[str, dict[str, str], str]
every_resource = pytest.mark.parametrize("door", [STATE, AGENT_PROFILE, ACTIVITY_PROFILE], ids=lambda door: door[0])
every_version = pytest.mark.parametrize("version", ["1.0.3", "2.0.0"])


def send(  # noqa: PLR0917  (every part of a request)
    doors: Doors,
    method: str,
    door: Door,
    name: str | None = "bookmark",
    content: Any = None,
    headers: dict[str, str] | None = None,
    **more: str,
) -> Any:
    """A request for one document, or for all of them when name is None."""
    path, params, id_name = door
    named = {id_name: name} if name is not None else {}
    body = content if isinstance(content, bytes) or content is None else orjson.dumps(content)
    sent = {VERSION: "1.0.3", **({"Content-Type": "application/json"} if body is not None else {}), **(headers or {})}
    return doors.client.request(
        method, path, params={**params, **named, **more}, content=body, headers=sent, auth=doors.sender
    )


def in_version(version: str) -> dict[str, str]:
    return {VERSION: version}


@every_resource
@every_version
def test_a_document_comes_back_as_it_was_sent(doors: Doors, door: Door, version: str) -> None:
    """Communication 2.2 and 3.1: the bytes, their type, when they changed, and their SHA-1 in quotes as ETag."""
    before = clock.now().replace(microsecond=0)
    content = b"\x00\xff not text \x89"
    headers = {**in_version(version), "Content-Type": "image/x-own; a=b", "If-None-Match": "*"}
    stored = send(doors, "PUT", door, content=content, headers=headers)
    assert (stored.status_code, stored.content, stored.headers[VERSION]) == (204, b"", version)
    answer = send(doors, "GET", door, headers=in_version(version))
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["Content-Type"] == "image/x-own; a=b"
    assert answer.headers["ETag"] == f'"{sha1(content).hexdigest()}"'
    assert answer.headers[VERSION] == version
    assert before <= parsedate_to_datetime(answer.headers["Last-Modified"]) <= clock.now()
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@every_resource
def test_head_answers_as_get_without_a_body(doors: Doors, door: Door) -> None:
    """Communication 1.1."""
    send(doors, "POST", door, content={"page": 3})
    for name in ("bookmark", None):
        told, asked = send(doors, "GET", door, name), send(doors, "HEAD", door, name)
        assert (asked.status_code, asked.content) == (200, b"")
        for header in ("ETag", "Content-Type", "Content-Length", "Last-Modified", VERSION):
            assert asked.headers[header] == told.headers[header]
    assert send(doors, "HEAD", door, "another").status_code == 404


@every_resource
@every_version
def test_posts_merge(doors: Doors, door: Door, version: str) -> None:
    """Communication 2.2, JSON procedure; a POST where there is nothing stores what was sent."""
    for content in ({"a": {"x": 1}, "b": 1}, {"a": {"y": 2}, "c": 3}):
        assert send(doors, "POST", door, content=content, headers=in_version(version)).status_code == 204
    assert send(doors, "GET", door).json() == {"a": {"y": 2}, "b": 1, "c": 3}
    refused = send(doors, "POST", door, content=b"abc", headers={"Content-Type": "application/octet-stream"})
    assert (refused.status_code, refused.json()["problems"][0]["path"]) == (400, "Content-Type")
    assert send(doors, "GET", door).json() == {"a": {"y": 2}, "b": 1, "c": 3}


@every_resource
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_what_claims_to_be_json_is(doors: Doors, door: Door, method: str) -> None:
    """Communication 2.2: also where nothing would be merged."""
    refused = send(doors, method, door, content=b'{"a": 1}{', headers={"If-None-Match": "*"})
    assert refused.status_code == 400
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert send(doors, "GET", door).status_code == 404


@every_resource
def test_lists_hold_ids_and_the_latest_change(doors: Doors, door: Door) -> None:
    """Communication 2.2 Last Modified; 2.3, 2.6, 2.7 Multiple Document GET."""
    empty = send(doors, "GET", door, None)
    assert (empty.json(), "Last-Modified" in empty.headers) == ([], False)
    send(doors, "POST", door, "one", {})
    since = clock.iso(clock.now())
    send(doors, "POST", door, "two / ü", {})
    latest = send(doors, "GET", door, "two / ü").headers["Last-Modified"]
    answer = send(doors, "GET", door, None)
    assert (answer.json(), answer.headers["Last-Modified"]) == (["one", "two / ü"], latest)
    assert send(doors, "GET", door, None, since=since).json() == ["two / ü"]


@every_resource
@every_version
def test_a_put_over_a_document_says_which_one_it_knows(doors: Doors, door: Door, version: str) -> None:
    """1.0.3 Communication 3.1 (not for state), 2.0 4.1.4 (for all): 409 with an explanation, nothing changed."""
    send(doors, "POST", door, content={"a": 1})
    answer = send(doors, "PUT", door, content={"a": 2}, headers=in_version(version))
    if door is STATE and version == "1.0.3":
        assert answer.status_code == 204
        return
    assert answer.status_code == 409
    assert "If-Match" in answer.json()["detail"]
    now = send(doors, "GET", door)
    assert now.json() == {"a": 1}
    headers = {**in_version(version), "If-Match": now.headers["ETag"]}
    assert send(doors, "PUT", door, content={"a": 2}, headers=headers).status_code == 204
    assert send(doors, "PUT", door, content={"a": 3}, headers=headers).status_code == 412
    assert send(doors, "GET", door).json() == {"a": 2}


@pytest.mark.parametrize("door", [AGENT_PROFILE, ACTIVITY_PROFILE], ids=lambda door: door[0])
def test_a_new_profile_is_put_with_a_condition(doors: Doors, door: Door) -> None:
    """Communication 3.1: a client that PUTs a profile MUST send one of the two headers."""
    assert send(doors, "PUT", door, content={}).status_code == 400
    assert send(doors, "PUT", door, content={}, headers={"If-None-Match": "*"}).status_code == 204
    assert send(doors, "PUT", door, content={}, headers={"If-None-Match": "*"}).status_code == 412
    assert send(doors, "PUT", door, "other", {}, headers=in_version("2.0.0")).status_code == 204


@every_resource
def test_conditions_hold_for_post_and_delete(doors: Doors, door: Door) -> None:
    """Communication 3.1, and 412 where they do not."""
    send(doors, "POST", door, content={"a": 1})
    tag = send(doors, "GET", door).headers["ETag"]
    for method, content in (("POST", {"a": 2}), ("DELETE", None)):
        assert send(doors, method, door, content=content, headers={"If-Match": '"1234"'}).status_code == 412
    assert send(doors, "GET", door).json() == {"a": 1}
    assert send(doors, "DELETE", door, headers={"If-Match": tag}).status_code == 204
    assert send(doors, "GET", door).status_code == 404
    assert send(doors, "DELETE", door).status_code == 204


@every_resource
def test_who_has_the_document_need_not_fetch_it_again(doors: Doors, door: Door) -> None:
    """RFC 9110 13.1.2."""
    send(doors, "POST", door, content={"a": 1})
    tag = send(doors, "GET", door).headers["ETag"]
    answer = send(doors, "GET", door, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", tag)


def test_state_is_deleted_as_a_whole(doors: Doors) -> None:
    """Communication 2.3, Multiple Document DELETE; no other resource has it."""
    registration = str(uuid4())
    send(doors, "POST", STATE, "one", {})
    send(doors, "POST", STATE, "two", {}, registration=registration)
    assert send(doors, "DELETE", STATE, None, headers={"If-Match": "*"}).status_code == 400
    assert send(doors, "DELETE", STATE, None, registration=registration).status_code == 204
    assert send(doors, "GET", STATE, None).json() == ["one"]
    assert send(doors, "DELETE", STATE, None).status_code == 204
    assert send(doors, "GET", STATE, None).json() == []
    for door in (AGENT_PROFILE, ACTIVITY_PROFILE):
        assert send(doors, "DELETE", door, None).status_code == 400


def test_one_agent_is_one_owner_however_it_is_written(doors: Doors) -> None:
    send(doors, "POST", AGENT_PROFILE, content={"a": 1})
    other = {"agent": '{"name": "Sam", "mbox": "mailto:sam@EXAMPLE.org"}'}
    assert send(doors, "GET", ("/xapi/agents/profile", other, "profileId")).json() == {"a": 1}


@every_resource
@pytest.mark.parametrize("method", ["PUT", "POST", "GET", "HEAD", "DELETE"])
def test_every_parameter_is_checked(doors: Doors, door: Door, method: str) -> None:
    """Communication 2.3, 2.6, 2.7: required ones, their types; 3.2: none that nobody knows."""
    path, params, id_name = door
    headers = {"If-None-Match": "*"} if method == "PUT" else {}
    content: Any = {} if method in ("PUT", "POST") else None
    wrong: list[tuple[dict[str, str], str]] = [
        (params | {"statementid": "x"}, "?statementid"),
        (params | {"since": "2026-01-01T00:00:00Z"}, "?since"),
        (params | {id_name: "\x00"}, f"?{id_name}"),
        *((params | {name: "no"}, f"?{name}") for name in params),
        *(({key: value for key, value in params.items() if key != name}, f"?{name}") for name in params),
    ]
    if door is STATE:
        wrong.append((params | {"registration": "7"}, "?registration"))
    for changed, place in wrong:
        name = None if id_name in changed else "bookmark"
        answer = send(doors, method, (path, changed, id_name), name, content, headers)
        assert answer.status_code == 400
        if method != "HEAD":
            assert [problem["path"] for problem in answer.json()["problems"]] == [place]
    if method in ("PUT", "POST"):
        assert send(doors, method, door, None, {}, headers).status_code == 400
    if method == "GET":
        assert send(doors, method, door, None, since="true").status_code == 400
    twice = doors.client.request(
        method,
        path,
        params=[*params.items(), *params.items(), (id_name, "x")],
        headers=in_version("1.0.3") | headers,
        auth=doors.sender,
    )
    assert twice.status_code == 400


@every_resource
def test_the_version_is_asked_for(doors: Doors, door: Door) -> None:
    """Communication 3.3."""
    path, params, _ = door
    assert doors.client.get(path, params=params, auth=doors.sender).status_code == 400
    assert send(doors, "GET", door, None, headers=in_version("1.1.0")).status_code == 400
    assert doors.client.get(path, params=params, headers=in_version("1.0.3")).status_code == 401


@pytest.mark.parametrize(
    ("scope", "reads", "writes"),
    [
        ("state", {STATE[0]}, {STATE[0]}),
        ("profile", {AGENT_PROFILE[0], ACTIVITY_PROFILE[0]}, {AGENT_PROFILE[0], ACTIVITY_PROFILE[0]}),
        ("all/read", {STATE[0], AGENT_PROFILE[0], ACTIVITY_PROFILE[0]}, set()),
        ("statements/write", set(), set()),
    ],
)
def test_a_key_does_what_its_scope_says(doors: Doors, scope: str, reads: set[str], writes: set[str]) -> None:
    """Communication 4.0, scopes."""
    pair = keys.new_key_pair()
    public = keys.one_line(pair.public_pem)
    with session_scope() as db:
        credentials.register(db, name=scope, public_key=public, scopes=[scope])
    held = Doors(doors.client, (public, keys.one_line(pair.secret_pem)), doors.admin)
    for door in (STATE, AGENT_PROFILE, ACTIVITY_PROFILE):
        assert send(held, "GET", door, None).status_code == (200 if door[0] in reads else 403)
        for method, content in (("POST", b"{}"), ("DELETE", None)):
            assert send(held, method, door, content=content).status_code == (204 if door[0] in writes else 403)


def test_a_document_is_no_larger_than_a_body_may_be(doors: Doors) -> None:
    settings = doors.client.app.state.settings  # type: ignore[attr-defined]
    large = b"x" * (settings.max_body_bytes + 1)
    answer = send(doors, "PUT", STATE, content=large, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 413


def test_the_doors_are_described(doors: Doors) -> None:
    paths = doors.client.get("/openapi.json").json()["paths"]
    for path, _, id_name in (STATE, AGENT_PROFILE, ACTIVITY_PROFILE):
        assert set(paths[path]) == {"put", "post", "get", "delete"}
        assert id_name in {parameter["name"] for parameter in paths[path]["put"]["parameters"]}
