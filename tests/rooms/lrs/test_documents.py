"""Documents below the doors: who owns them, when they may be written, what a merge makes of two."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import orjson
import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.database import session_scope
from app.errors import AppError, BadRequest, Conflict, NotFound, PreconditionFailed, TooLarge
from app.lrs import documents
from app.lrs.document_parameters import read_parameters
from app.lrs.documents import Conditions, Content, Shelf
from app.lrs.identity import agent_identity
from app.lrs.models import StateDocument
from app.lrs.validation import Version
from app.platform import clock

SAM = "mbox mailto:sam@example.org"
STATE = Shelf("state", "https://example.org/a", SAM)
PROFILE = Shelf("activity_profile", "https://example.org/a")
FREE = Conditions()
NEW = Conditions(if_none_match="*")


def as_json(value: object) -> Content:
    return Content(orjson.dumps(value), "application/json")


def put(db: Session, shelf: Shelf, value: object = 1, conditions: Conditions = FREE, name: str = "page") -> None:
    documents.put(db, shelf, name, as_json(value), conditions=conditions, version="1.0")


def post(db: Session, shelf: Shelf, content: Content, max_bytes: int = 10_000) -> None:
    documents.post(db, shelf, "page", content, conditions=FREE, max_bytes=max_bytes)


def body(db: Session, shelf: Shelf = STATE) -> bytes:
    return documents.read(db, shelf, "page").content.body


@pytest.mark.parametrize(
    ("agent", "identity"),
    [
        ({"mbox": "mailto:Sam@Example.org", "name": "Sam"}, SAM),
        ({"objectType": "Group", "mbox": "mailto:sam@example.org", "member": []}, SAM),
        ({"mbox_sha1sum": "AB" * 20}, "mbox_sha1sum " + "ab" * 20),
        ({"openid": "https://Sam.example.org/"}, "openid https://Sam.example.org/"),
        ({"account": {"homePage": "https://lms.example", "name": "a b"}}, "account https://lms.example a b"),
        ({"objectType": "Group", "member": [{"mbox": "mailto:sam@example.org"}]}, None),
    ],
)
def test_an_identifier_says_who_an_agent_is(agent: dict[str, object], identity: str | None) -> None:
    """Data 2.4.2.3: names and members do not tell one Agent or identified Group from another."""
    assert agent_identity(agent) == identity


def test_what_names_a_document_is_all_of_it(db: Session) -> None:
    """Communication 2.3: the same stateId in another context is another document."""
    shelves = [
        STATE,
        Shelf("state", STATE.activity_iri, SAM, uuid4()),
        Shelf("state", "https://example.org/b", SAM),
        Shelf("state", STATE.activity_iri, "mbox mailto:ann@example.org"),
    ]
    for number, shelf in enumerate(shelves):
        put(db, shelf, number)
    assert [orjson.loads(body(db, shelf)) for shelf in shelves] == [0, 1, 2, 3]


def test_a_list_spans_registrations_and_a_registration_narrows_it(db: Session) -> None:
    """Communication 2.3, Multiple Document GET and DELETE."""
    registered = Shelf("state", STATE.activity_iri, SAM, uuid4())
    put(db, STATE, name="free")
    put(db, registered, name="bound")
    put(db, registered, name="free")
    assert documents.list_ids(db, STATE)[0] == ["bound", "free"]
    documents.remove_all(db, registered)
    assert documents.list_ids(db, STATE)[0] == ["free"]
    assert documents.list_ids(db, registered) == ([], None)
    documents.remove_all(db, STATE)
    assert documents.list_ids(db, STATE)[0] == []


def test_since_leaves_out_its_own_moment(db: Session) -> None:
    """Communication 2.3: `since` is exclusive."""
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    for name, moment in (("early", noon), ("late", noon + timedelta(seconds=1))):
        with clock.set_now(moment):
            put(db, STATE, name=name)
    assert documents.list_ids(db, STATE, noon) == (["late"], noon + timedelta(seconds=1))


def test_a_merge_replaces_whole_members_and_keeps_the_text_of_numbers(db: Session) -> None:
    """Communication 2.2, JSON procedure: only properties at the top are merged."""
    post(db, STATE, Content(b'{"a": {"x": 1, "y": 2}, "n": 1.00000000000000000001}', "application/json"))
    post(db, STATE, Content(b'{"a": {"x": 3}, "b": 123456789012345678901234}', "application/json; charset=utf-8"))
    assert orjson.loads(body(db)) == orjson.loads(b'{"a": {"x": 3}, "n": 1.0, "b": 123456789012345678901234}')
    assert b"1.00000000000000000001" in body(db)
    assert b"123456789012345678901234" in body(db)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (as_json({}), Content(b"{}", "text/plain")),
        (Content(b"{}", "text/plain"), as_json({})),
        (as_json([]), as_json({})),
        (as_json({}), as_json(1)),
        (as_json({}), Content(b"{", "application/json")),
        (as_json({}), Content(b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "application/json")),
    ],
)
def test_only_two_json_objects_merge(db: Session, old: Content, new: Content) -> None:
    """Communication 2.2: 400 otherwise, and the document stays as it was."""
    documents.put(db, STATE, "page", old, conditions=FREE, version="1.0")
    with pytest.raises(BadRequest):
        post(db, STATE, new)
    assert body(db) == old.body


def test_merges_do_not_grow_a_document_without_end(db: Session) -> None:
    post(db, STATE, as_json({"a": "x" * 60}), 100)
    with pytest.raises(TooLarge):
        post(db, STATE, as_json({"b": "x" * 60}), 100)
    assert orjson.loads(body(db)).keys() == {"a"}


@pytest.mark.parametrize(
    ("shelf", "version", "exists", "error"),
    [
        (STATE, "1.0", False, None),
        (STATE, "1.0", True, None),
        (PROFILE, "1.0", False, BadRequest),
        (PROFILE, "1.0", True, Conflict),
        (STATE, "2.0", False, None),
        (STATE, "2.0", True, Conflict),
        (PROFILE, "2.0", False, None),
        (PROFILE, "2.0", True, Conflict),
    ],
)
def test_when_a_put_may_come_without_conditions(
    db: Session, shelf: Shelf, version: Version, exists: bool, error: type[AppError] | None
) -> None:
    """1.0.3 Communication 3.1 lets state through and never profiles; 2.0 4.1.4 asks it of whatever exists."""
    if exists:
        put(db, shelf, "old", NEW)

    def act() -> None:
        documents.put(db, shelf, "page", as_json("new"), conditions=FREE, version=version)

    if error is None:
        act()
        assert body(db, shelf) == b'"new"'
        return
    with pytest.raises(error):
        act()
    if exists:
        assert body(db, shelf) == b'"old"'


@pytest.mark.parametrize("header", ['"{tag}"', '"nothing", "{tag}"', 'W/"{tag}"', "{tag}", "*"])
def test_if_match_names_the_document(db: Session, header: str) -> None:
    """RFC 9110 13.1.1; a proxy that compresses makes tags weak, so that weak ones count."""
    put(db, PROFILE, 1, NEW)
    tag = documents.read(db, PROFILE, "page").etag
    put(db, PROFILE, 2, Conditions(if_match=header.format(tag=tag)))
    assert body(db, PROFILE) == b"2"


@pytest.mark.parametrize("act", ["put", "post", "remove"])
@pytest.mark.parametrize("conditions", [Conditions(if_match='"1234"'), Conditions(if_none_match="*")])
def test_a_condition_that_does_not_hold_changes_nothing(db: Session, act: str, conditions: Conditions) -> None:
    """Communication 3.1: 412 for PUT, POST and DELETE alike."""
    put(db, STATE, {"a": 1})
    acts: dict[str, Callable[[], None]] = {
        "put": lambda: put(db, STATE, {"a": 2}, conditions),
        "post": lambda: documents.post(db, STATE, "page", as_json({"a": 2}), conditions=conditions, max_bytes=1_000),
        "remove": lambda: documents.remove(db, STATE, "page", conditions),
    }
    with pytest.raises(PreconditionFailed):
        acts[act]()
    assert body(db) == b'{"a":1}'


def test_nothing_matches_what_is_not_there(db: Session) -> None:
    with pytest.raises(PreconditionFailed):
        put(db, PROFILE, 1, Conditions(if_match="*"))
    with pytest.raises(NotFound):
        documents.read(db, PROFILE, "page")
    documents.remove(db, PROFILE, "page", FREE)


def test_names_may_be_longer_than_an_index_entry_and_hold_what_postgres_cannot(db: Session) -> None:
    """docs/decisions/0002: keys are computed, so that no sender's text has to fit into an index."""
    long = Shelf("state", "https://example.org/" + "a" * 9_000, "account https://lms.example a\x00b")
    put(db, long, name="x" * 9_000)
    assert documents.list_ids(db, long)[0] == ["x" * 9_000]
    assert documents.list_ids(db, Shelf("state", long.activity_iri, "account https://lms.example a\ufffdb"))[0] == []


@pytest.mark.usefixtures("clean")
def test_of_many_who_create_at_once_one_wins() -> None:
    """Communication 3.1: a precondition is checked in the same breath as the write."""

    def create(number: int) -> bool:
        try:
            with session_scope() as db:
                put(db, PROFILE, number, NEW)
        except PreconditionFailed:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(create, range(24))) == 1


@pytest.mark.usefixtures("clean")
def test_no_merge_is_lost_among_many() -> None:
    """Communication 2.2: each merge is made with what the one before it left."""

    def add(number: int) -> None:
        with session_scope() as db:
            post(db, STATE, as_json({str(number): number}))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(24)))
    with session_scope() as db:
        assert len(orjson.loads(body(db))) == 24
        assert db.scalar(select(func.count()).select_from(StateDocument)) == 1


def test_every_problem_of_the_parameters_is_told_at_once() -> None:
    """Communication 3.2: 400, and the sender need not find the mistakes one by one."""
    given = [("activityId", "no iri"), ("agent", "{"), ("registration", "7"), ("stateID", "x"), ("since", "today")]
    with pytest.raises(BadRequest) as caught:
        read_parameters("state", given, "1.0", "write")
    paths = {problem.path for problem in caught.value.problems}
    assert paths == {"?activityId", "?agent", "?registration", "?stateID", "?stateId", "?since"}


def test_a_group_owns_documents_in_two_point_zero_if_it_is_identified() -> None:
    """1.0.3 Communication 2.6: an Agent and not a Group; IEEE 9274.1.1 lets an identified Group stand there."""
    group = '{"objectType": "Group", "mbox": "mailto:Sam@example.org"}'
    nobody = '{"objectType": "Group", "member": [{"mbox": "mailto:sam@example.org"}]}'
    assert read_parameters("agent_profile", [("agent", group)], "2.0", "read").shelf.agent == SAM
    with pytest.raises(BadRequest):
        read_parameters("agent_profile", [("agent", group)], "1.0", "read")
    with pytest.raises(BadRequest):
        read_parameters("agent_profile", [("agent", nobody)], "2.0", "read")
