"""Reading statements at the door: filters, order, pages, formats. xAPI 1.0.3 Communication 2.1.3."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import orjson
import pytest

from app.config import get_settings
from tests.conftest import Doors
from tests.statements import completed, lesson

Drain = Callable[[], int]
REGISTRATION = "6f3c1c5e-5f5e-4d57-8f0c-0a4d8b6a0e11"
SAM, KIM, TEACHER = (f"mailto:{name}@example.org" for name in ("sam", "kim", "teacher"))
ACCOUNT = {"homePage": "https://id.example.org", "name": "kim-7"}
PARENT = "https://app.7taps.com/courses/1"
LESSON = lesson()["id"]
PASSED = "http://adlnet.gov/expapi/verbs/passed"

STATEMENTS: dict[str, dict[str, Any]] = {
    "plain": completed(number=1),
    "other verb": completed(number=1, verb={"id": PASSED}),
    "other lesson": completed(number=2),
    "by account": completed(number=3, actor={"account": ACCOUNT}),
    "in a group": completed(number=3, actor={"objectType": "Group", "member": [{"mbox": KIM}, {"mbox": SAM}]}),
    "about an agent": completed(number=3, actor={"mbox": KIM}, object={"objectType": "Agent", "mbox": SAM}),
    "taught": completed(number=3, actor={"mbox": KIM}, context={"instructor": {"mbox": TEACHER}}),
    "in a team": completed(
        number=3, actor={"mbox": KIM}, context={"team": {"objectType": "Group", "member": [{"mbox": TEACHER}]}}
    ),
    "registered": completed(number=3, actor={"mbox": KIM}, context={"registration": REGISTRATION}),
    "with a parent": completed(
        number=3,
        actor={"mbox": KIM},
        context={"contextActivities": {"parent": {"id": PARENT}, "other": {"id": LESSON}}},
    ),
    "planned": completed(
        actor={"mbox": KIM},
        object={
            "objectType": "SubStatement",
            "actor": {"mbox": SAM},
            "verb": {"id": PASSED},
            "object": {"id": LESSON},
        },
    ),
}


@pytest.fixture
def named(doors: Doors, drain: Drain) -> Callable[..., list[str]]:
    """The statements above are stored; a function that queries them and gives the names of those found, in order."""
    names = {}
    for name, statement in STATEMENTS.items():
        names[str(uuid4())] = name
        assert doors.post({**statement, "id": list(names)[-1]}).status_code == 200
    drain()

    def query(**parameters: str) -> list[str]:
        answer = doors.get(**parameters)
        assert answer.status_code == 200, answer.text
        return [names[statement["id"]] for statement in answer.json()["statements"]]

    return query


def as_json(agent: dict[str, Any]) -> str:
    return orjson.dumps(agent).decode()


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, set(STATEMENTS)),
        (
            {"agent": as_json({"mbox": SAM})},
            {"plain", "other verb", "other lesson", "in a group", "about an agent"},
        ),
        ({"agent": as_json({"account": ACCOUNT})}, {"by account"}),
        ({"agent": as_json({"mbox": TEACHER})}, set()),
        ({"agent": as_json({"mbox": TEACHER}), "related_agents": "true"}, {"taught", "in a team"}),
        (
            {"agent": as_json({"mbox": SAM}), "related_agents": "true"},
            {"plain", "other verb", "other lesson", "in a group", "about an agent", "planned"},
        ),
        ({"verb": PASSED}, {"other verb"}),
        ({"activity": LESSON}, {"plain", "other verb"}),
        (
            {"activity": LESSON, "related_activities": "true"},
            {"plain", "other verb", "with a parent", "planned"},
        ),
        ({"activity": PARENT}, set()),
        ({"activity": PARENT, "related_activities": "true"}, {"with a parent"}),
        ({"registration": REGISTRATION}, {"registered"}),
        ({"registration": REGISTRATION.upper()}, {"registered"}),
        ({"activity": LESSON, "verb": PASSED}, {"other verb"}),
        ({"activity": LESSON, "verb": PASSED, "agent": as_json({"mbox": KIM})}, set()),
    ],
)
def test_a_statement_is_found_by_what_it_says(
    named: Callable[..., list[str]], parameters: dict[str, str], expected: set[str]
) -> None:
    assert set(named(**parameters)) == expected


def test_the_newest_comes_first_unless_asked_otherwise(named: Callable[..., list[str]]) -> None:
    assert named() == list(reversed(STATEMENTS))
    assert named(ascending="true") == list(STATEMENTS)
    assert named(ascending="true", limit="3") == list(STATEMENTS)[:3]


def test_context_agents_of_2_0_are_related_agents(doors: Doors, drain: Drain) -> None:
    """IEEE 9274.1.1: contextAgents and contextGroups take part in related_agents."""
    group = {"objectType": "Group", "member": [{"mbox": KIM}]}
    context = {
        "contextAgents": [{"objectType": "contextAgent", "agent": {"mbox": TEACHER}}],
        "contextGroups": [{"objectType": "contextGroup", "group": group}],
    }
    answer = doors.post(completed(context=context), **{"X-Experience-API-Version": "2.0.0"})
    assert answer.status_code == 200, answer.text
    drain()
    for mbox in (TEACHER, KIM):
        narrow = doors.get(agent=as_json({"mbox": mbox}))
        wide = doors.get(agent=as_json({"mbox": mbox}), related_agents="true")
        assert (len(narrow.json()["statements"]), len(wide.json()["statements"])) == (0, 1)


def test_since_is_after_and_until_includes(doors: Doors, drain: Drain) -> None:
    for number in range(3):
        doors.post(completed(number=number))
        drain()
    _, middle, _ = (s["stored"] for s in doors.get(ascending="true").json()["statements"])
    later = doors.get(since=middle, ascending="true").json()["statements"]
    sooner = doors.get(until=middle, ascending="true").json()["statements"]
    assert [s["object"]["id"] for s in later] == [lesson(2)["id"]]
    assert [s["object"]["id"] for s in sooner] == [lesson(0)["id"], lesson(1)["id"]]


@pytest.mark.parametrize("ascending", ["true", "false"])
def test_pages_neither_repeat_nor_miss_while_statements_arrive(doors: Doors, drain: Drain, ascending: str) -> None:
    """The link `more` goes on where the page ended, whatever has been stored since, and repeats the filters."""
    first = [completed(number=1) for _ in range(5)]
    doors.post(first)
    drain()
    parameters = {"limit": "2", "ascending": ascending, "verb": first[0]["verb"]["id"]}
    seen: list[str] = []
    more = "/xapi/statements?" + "&".join(f"{name}={value}" for name, value in parameters.items())
    while more:
        parts = urlsplit(more)
        assert (parts.scheme, parts.netloc, parts.path) == ("", "", "/xapi/statements")
        page = doors.get(parts.path, **dict(parse_qsl(parts.query))).json()
        assert len(page["statements"]) <= 2
        seen += [statement["id"] for statement in page["statements"]]
        more = page["more"]
        if len(seen) < 5:
            doors.post([completed(number=2), completed(verb={"id": PASSED})])
            drain()
    ids = [statement["id"] for statement in first]
    if ascending == "true":
        assert seen[:5] == ids
        assert len(seen) == len(set(seen)) > 5
    else:
        assert seen == ids[::-1]


def test_limit_zero_is_as_many_as_the_server_gives(doors: Doors, drain: Drain, monkeypatch: pytest.MonkeyPatch) -> None:
    """Communication 2.1.3: 0 stands for the server's own limit, and no limit goes beyond it."""
    monkeypatch.setattr(get_settings(), "page_statements", 2)
    monkeypatch.setattr(get_settings(), "page_max_statements", 3)
    doors.post([completed() for _ in range(5)])
    drain()
    wanted: tuple[dict[str, str], ...] = ({}, {"limit": "0"}, {"limit": "4"}, {"limit": "1"})
    assert [len(doors.get(**some).json()["statements"]) for some in wanted] == [2, 2, 3, 1]


def test_one_by_its_id_and_head_without_a_body(doors: Doors, drain: Drain) -> None:
    """Communication 1.1 and 2.1.3."""
    statement = completed()
    doors.post(statement)
    drain()
    told = doors.get(statementId=statement["id"])
    asked = doors.client.head(
        f"/xapi/statements?statementId={statement['id']}",
        auth=doors.sender,
        headers={"X-Experience-API-Version": "1.0.3"},
    )
    assert (told.status_code, asked.status_code, asked.content) == (200, 200, b"")
    assert told.json()["id"] == statement["id"]
    for header in ("Content-Type", "Content-Length", "Last-Modified", "X-Experience-API-Version"):
        assert asked.headers[header] == told.headers[header]
    missing = doors.get(statementId=str(uuid4()))
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


def test_exact_is_what_was_sent_and_what_the_lrs_adds(doors: Doors, drain: Drain) -> None:
    """Data 2.4.7 to 2.4.10: stored, timestamp, version and authority; numbers keep the way they were written."""
    statement_id = str(uuid4())
    text = (
        b'{"actor":{"mbox":"mailto:sam@example.org"},"verb":{"id":"http://example.org/v"},'
        b'"object":{"id":"http://example.org/a"},"result":{"score":{"raw":1.10,"max":2e1}},'
        b'"authority":{"mbox":"mailto:somebody@example.org"}}'
    )
    answer = doors.client.put(
        "/xapi/statements",
        params={"statementId": statement_id},
        content=text,
        auth=doors.sender,
        headers={"X-Experience-API-Version": "1.0.3", "Content-Type": "application/json"},
    )
    assert answer.status_code == 204
    drain()
    told = doors.get(statementId=statement_id)
    assert b'"score":{"raw":1.10,"max":2e1}' in told.content
    statement = told.json()
    assert set(statement) == {"id", "actor", "verb", "object", "result", "authority", "stored", "timestamp", "version"}
    assert statement["id"] == statement_id
    assert statement["timestamp"] == statement["stored"]
    assert statement["version"] == "1.0.0"
    # Whoever sent it, the credential vouches for it.
    assert statement["authority"]["account"]["homePage"]
    assert "mbox" not in statement["authority"]


def test_ids_and_canonical(doors: Doors, drain: Drain) -> None:
    """Communication 2.1.3, format: only what identifies; or one language, and the words the LRS goes by."""
    both = {"en-US": "Lesson one", "de-DE": "Lektion eins"}
    doors.post(completed(object={"id": LESSON, "definition": {"name": both}}, actor={"mbox": SAM, "name": "Sam"}))
    doors.post(completed(object={"id": LESSON}))
    drain()
    for one in doors.get(format="ids").json()["statements"]:
        assert one["actor"] in ({"mbox": SAM}, {"objectType": "Agent", "mbox": SAM})
        assert one["object"] == {"id": LESSON}
    for wanted, name in (("de", "Lektion eins"), ("en-US, de;q=0.5", "Lesson one")):
        answer = doors.client.get(
            "/xapi/statements",
            params={"format": "canonical"},
            auth=doors.sender,
            headers={"X-Experience-API-Version": "1.0.3", "Accept-Language": wanted},
        )
        names = [list(one["object"]["definition"]["name"].values()) for one in answer.json()["statements"]]
        assert names == [[name], [name]]


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"verbs": PASSED}, "?verbs"),
        ({"Agent": "{}"}, "?Agent"),
        ({"agent": "{"}, "?agent"),
        ({"agent": "{}"}, "?agent"),
        ({"agent": as_json({"objectType": "Group", "member": [{"mbox": SAM}]})}, "?agent"),
        ({"verb": "passed"}, "?verb"),
        ({"activity": "lesson 1"}, "?activity"),
        ({"registration": "7"}, "?registration"),
        ({"since": "yesterday"}, "?since"),
        ({"until": "2026-13-01T00:00:00Z"}, "?until"),
        ({"limit": "-1"}, "?limit"),
        ({"limit": "ten"}, "?limit"),
        ({"ascending": "yes"}, "?ascending"),
        ({"related_agents": "1"}, "?related_agents"),
        ({"format": "pretty"}, "?format"),
        ({"attachments": "all"}, "?attachments"),
        ({"statementId": "7"}, "?statementId"),
        ({"statementId": REGISTRATION, "voidedStatementId": REGISTRATION}, "?voidedStatementId"),
        ({"statementId": REGISTRATION, "verb": PASSED}, "?verb"),
        ({"voidedStatementId": REGISTRATION, "limit": "1"}, "?limit"),
        ({"after": "page 2"}, "?after"),
    ],
)
def test_what_is_unknown_or_misused_is_refused_by_name(doors: Doors, parameters: dict[str, str], path: str) -> None:
    """Communication 2.1.3 and 3.2."""
    answer = doors.get(**parameters)
    assert answer.status_code == 400
    assert path in {problem["path"].split(".")[0] for problem in answer.json()["problems"]}


def test_all_that_is_wrong_is_told_at_once(doors: Doors) -> None:
    answer = doors.get(verb="passed", limit="ten", verbs="x", since="yesterday").json()
    assert {problem["path"] for problem in answer["problems"]} == {"?verb", "?limit", "?verbs", "?since"}


def test_what_was_read_can_be_sent_again(doors: Doors, drain: Drain) -> None:
    """Data 2.3.1: all that the LRS added or respelt (Data 2.4.6.2 makes arrays) is no difference."""
    statement = completed(context={"contextActivities": {"parent": {"id": PARENT}}})
    del statement["timestamp"]
    doors.post(statement)
    drain()
    read = doors.get(statementId=statement["id"]).json()
    assert read["context"]["contextActivities"]["parent"] == [{"id": PARENT}]
    assert doors.post(read).status_code == 200
    assert doors.post({**read, "result": {"success": True}}).status_code == 409
