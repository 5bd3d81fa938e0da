"""The pages of dead letters: found, looked at, mended, replayed, discarded."""

import json
import re
from html import unescape
from typing import Any
from uuid import uuid4

import pytest

from app.errors import Problem
from app.ingest.schemas import PAGE_MAX_LETTERS
from tests.conftest import Doors
from tests.doors.people import account, token, visitor
from tests.rooms.ingest.quarantine import (
    Drain,
    audited,
    full_after,
    letter,
    put_away,
    recorded,
    text_of,
    turned_away,
    without_verb,
)
from tests.statements import completed

PATH = "/ui/dead-letters"
HOSTILE = "</textarea><script>alert(1)</script>\u202e\"'"


def page(doors: Doors, path: str = "", /, **params: Any) -> str:
    answer = doors.client.get(PATH + path, params=params, headers={**doors.admin, "Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return unescape(answer.text)


def twin(doors: Doors, path: str = "", /, **params: Any) -> Any:
    answer = doors.client.get(PATH + path, params={**params, "format": "json"}, headers=doors.admin)
    assert answer.status_code == 200, answer.text
    return answer.json()


def post(doors: Doors, path: str = "", /, **fields: Any) -> Any:
    return doors.client.post(PATH + path, data=fields, headers=doors.admin, follow_redirects=False)


@pytest.mark.parametrize("path", ["", f"/{uuid4()}"])
def test_strangers_and_viewers_stay_outside(doors: Doors, path: str) -> None:
    answer = doors.client.get(PATH + path, headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/ui/login")
    assert doors.client.get(PATH + path).status_code == 401
    assert visitor(doors.client, account()).ask("GET", PATH + path).status_code == 403
    assert doors.client.post(PATH).status_code == 401


def test_letters_by_state_reason_source_sender_day_and_words(doors: Doors) -> None:
    first, _ = turned_away(doors)
    old = str(put_away(1, code="conflict", source="loader", reason="Another one is stored."))
    assert "verb is missing" in page(doors).replace("is a required", "is missing") or "verb" in page(doors)
    told = twin(doors)
    assert told["by_reason"] == {"invalid_statement": 1, "conflict": 1}
    assert told["by_state"]["open"] == 2
    assert 'href="/ui/definitions#Open-letters"' in page(doors)
    # What seldom narrows is folded away, and open while it does.
    assert '<details class="filters-more">' in page(doors, reason="conflict")
    assert '<details class="filters-more" open>' in page(doors, source="loader")

    def ids(**params: Any) -> list[str]:
        return [row["id"] for row in twin(doors, **params)["letters"]]

    assert ids() == [first, old]
    assert ids(sort="oldest") == [old, first]
    assert ids(reason="conflict") == [old] == ids(source="loader") == ids(text="ANOTHER")
    assert ids(sender=letter(first).credential_id) == [first]
    assert ids(day_from="2026-03-02", day_to="2026-03-02") == [old]
    assert ids(state="replayed") == []
    assert ids(state="all", reason="", text="") == [first, old]
    for wrong in ("state=odd", "cursor=x", "day_from=x", "day_to=9999-12-31", "sort=up", "text=%00", "n=-1"):
        answer = doors.client.get(f"{PATH}?{wrong}", headers=doors.admin)
        assert answer.status_code == 400, wrong
        assert answer.json()["problems"], wrong


def test_a_day_is_that_of_the_viewer(doors: Doors) -> None:
    at_eight = str(put_away())  # 08:00 UTC, so the same day in Berlin and the day before in Honolulu
    put_away(number=16 * 60)  # 00:00 UTC the day after
    headers = {**doors.admin, "Cookie": "time_zone=Pacific/Honolulu"}
    asked = f"{PATH}?format=json&day_from=2026-03-01&day_to=2026-03-01"
    assert [row["id"] for row in doors.client.get(asked, headers=headers).json()["letters"]] == [at_eight]


def test_pages_follow_each_other(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.ui.dead_letters.LETTERS_SHOWN", 2)
    wanted = {str(put_away(n)) for n in range(5)}
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        found = twin(doors, cursor=cursor)
        seen += [row["id"] for row in found["letters"]]
        cursor = found["more"]
    assert set(seen) == wanted
    assert len(seen) == 5 < PAGE_MAX_LETTERS


def test_an_empty_quarantine_says_so(doors: Doors) -> None:
    assert "Everything that senders sent could be stored" in page(doors)
    assert "No such letters" in page(doors, state="discarded")


def test_one_letter_shows_where_the_problem_is(doors: Doors) -> None:
    statement = completed(result={"score": {"scaled": 80}})
    letter_id, _ = turned_away(doors, statement)
    told = twin(doors, f"/{letter_id}")
    assert (told["points_at"], told["missing"], told["is_json"]) == ("result.score.scaled", False, True)
    assert [line["text"].strip() for line in told["lines"] if line["marked"]] == ['"scaled": 80']
    assert json.loads(told["mendable"]) == statement
    seen = page(doors, f"/{letter_id}")
    assert "number from -1 to 1" in seen.replace("A number", "number")
    assert "PUBLIC_PEM" not in seen
    missing, _ = turned_away(doors)
    told = twin(doors, f"/{missing}")
    assert (told["points_at"], told["missing"], told["letter"]["path"]) == ("$", True, "verb")
    assert doors.client.get(f"{PATH}/{uuid4()}", headers=doors.admin).status_code == 404
    assert doors.client.get(f"{PATH}/x", headers=doors.admin).status_code == 400


@pytest.mark.parametrize(
    "body", [HOSTILE.encode(), b"\xff\x00\xfe", b"", json.dumps({"a": HOSTILE}).encode(), b"[" * 70_000, b"a\n" * 9_000]
)
def test_hostile_bodies_are_only_shown(doors: Doors, body: bytes) -> None:
    problem = Problem(HOSTILE, HOSTILE, HOSTILE)
    letter_id = put_away(body=body, reason=HOSTILE, problems=[problem], content_type=HOSTILE, request_id=HOSTILE)
    for address in (PATH, f"{PATH}/{letter_id}"):
        answer = doors.client.get(address, headers=doors.admin)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert len(answer.content) < 400_000
    assert twin(doors, f"/{letter_id}")["letter"]["size_bytes"] == len(body)


def test_mend_and_replay(doors: Doors, drain: Drain) -> None:
    letter_id, mended = turned_away(doors, without_verb(actor={"mbox": "mailto:a@b.example", "name": HOSTILE}))
    here = f"{PATH}/{letter_id}"
    still = {**mended, "verb": {"id": "no iri"}}
    refused = post(doors, f"/{letter_id}/replay", action="mended", body=text_of(still))
    assert refused.status_code == 400
    assert "It was refused again" in refused.text
    assert "verb.id" in refused.text
    assert "no iri" in refused.text.split("<textarea")[1]
    assert "<script>alert" not in refused.text
    assert (letter(letter_id).status, letter(letter_id).attempts) == ("open", 1)
    done = post(doors, f"/{letter_id}/replay", action="mended", body=text_of(mended), statement_id="", xapi_version="")
    assert (done.status_code, done.headers["location"]) == (303, f"{here}?done=replayed")
    drain()
    assert recorded() == ({mended["id"]}, {mended["id"]})
    seen = page(doors, f"/{letter_id}", done="replayed")
    assert "Its statements are stored" in seen
    assert "Mend and replay" not in seen
    assert "Replay: refused" in seen
    acts = [(act, detail["outcome"], detail["changed"]) for _, act, _, detail in audited()]
    assert acts == [("dead_letter.replay", "refused", ["body"]), ("dead_letter.replay", "replayed", ["body"])]
    again = post(doors, f"/{letter_id}/replay", action="as-is")
    assert again.headers["location"] == f"{here}?done=replayed_before"


def test_replay_as_it_is_once_the_cause_is_gone(doors: Doors, drain: Drain) -> None:
    statement = completed()
    letter_id = put_away(body=text_of(statement).encode(), code="failed", source="loader", content_type=None)
    assert post(doors, f"/{letter_id}/replay", action="as-is").status_code == 303
    drain()
    assert recorded()[1] == {statement["id"]}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"statement_id": "x"}, "Is no id. A UUID"),
        ({"xapi_version": "3.0"}, "pattern"),
        ({"body": "{"}, "is not JSON"),
    ],
)
def test_a_wrong_form_is_told(doors: Doors, fields: dict[str, str], told: str) -> None:
    letter_id, _ = turned_away(doors)
    answer = post(doors, f"/{letter_id}/replay", action="mended", **fields)
    assert answer.status_code == 400
    assert told in unescape(answer.text)
    assert letter(letter_id).status == "open"


def test_discard_for_a_reason(doors: Doors) -> None:
    letter_id, mended = turned_away(doors)
    for wrong in ("", "   ", "x" * 501):
        assert post(doors, f"/{letter_id}/discard", reason=wrong).status_code == 400
    assert letter(letter_id).status == "open"
    assert post(doors, f"/{letter_id}/discard", reason=HOSTILE).headers["location"].endswith("?done=discarded")
    seen = doors.client.get(f"{PATH}/{letter_id}", headers=doors.admin).text
    assert "<script>alert" not in seen
    assert "&lt;script&gt;alert(1)" in seen
    assert "Replay as it is" in seen
    assert post(doors, f"/{letter_id}/replay", action="mended", body=text_of(mended)).status_code == 303
    assert post(doors, f"/{letter_id}/discard", reason="too late").status_code == 409


def test_many_at_once(doors: Doors, drain: Drain) -> None:
    good = completed()
    right = put_away(1, body=text_of(good).encode(), code="failed", source="loader", content_type=None)
    wrong, _ = turned_away(doors)
    both = [str(right), wrong]
    done = post(doors, id=both, action="replay")
    assert done.headers["location"] == f"{PATH}?done=replayed&n=1&refused=1"
    assert "1 of 2 were replayed" in page(doors, done="replayed", n=1, refused=1)
    drain()
    assert recorded()[1] == {good["id"]}
    assert post(doors, id=both, action="discard", reason="").headers["location"].endswith("done=no-reason")
    gone = post(doors, id=both, action="discard", reason="A test of theirs")
    assert gone.headers["location"] == f"{PATH}?done=discarded&n=1&refused=1"
    assert (letter(wrong).status, letter(wrong).resolution) == ("discarded", "A test of theirs")
    assert letter(right).status == "replayed"
    assert post(doors, action="replay").headers["location"] == f"{PATH}?done=none"
    for fields in ({"id": "x", "action": "replay"}, {"id": wrong, "action": "burn"}, {"id": [str(uuid4())] * 1}):
        assert post(doors, **{"action": "x", **fields}).status_code == 400
    assert post(doors, id=[str(uuid4()) for _ in range(51)], action="replay").status_code == 400


def test_when_nothing_takes_statements_the_letters_stay(doors: Doors) -> None:
    letter_id = put_away(body=text_of(completed()).encode(), code="failed", source="loader", content_type=None)
    full_after(doors, 1)
    doors.post(completed())
    assert post(doors, id=[str(letter_id)], action="replay").headers["location"] == f"{PATH}?done=away"
    assert "Nothing takes statements right now" in page(doors, done="away")
    assert letter(letter_id).status == "open"


def test_who_may_only_look_is_offered_nothing(doors: Doors) -> None:
    letter_id, _ = turned_away(doors)
    headers = {**token("dead-letters:read"), "Accept": "text/html"}
    for path in (PATH, f"{PATH}/{letter_id}"):
        seen = doors.client.get(path, headers=headers)
        assert seen.status_code == 200
        assert not re.search('method="post" action="/ui/dead', seen.text)
    assert doors.client.post(f"{PATH}/{letter_id}/replay", headers=headers).status_code == 403
