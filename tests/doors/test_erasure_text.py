"""How a person is found in bodies and texts: compressed, in any script and case, however it is written."""

import gzip
import json
import zlib
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.accounts.identifiers import Identifier
from app.accounts.personal import marks_of
from app.database import session_scope
from app.ingest.models import DeadLetter
from app.ingest.traces import MAX_UNPACKED_BYTES, unpacked
from app.warehouse import erasing
from tests.conftest import Doors
from tests.doors.erasing import ACCOUNT, ANN, BEN, DIGEST, EMAIL, NUMBER, ben, erase, world  # noqa: F401
from tests.statements import completed
from tests.warehouse.record import load


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("whose", ["ann", "ben"])
def test_letters_that_are_compressed_are_looked_into(
    doors: Doors, world: dict[str, Any], encoding: str, whose: str
) -> None:
    """Bodies that were damaged on their way are kept as they came, and tell what stands before the damage."""
    agent = ANN if whose == "ann" else BEN
    filler = [completed(number=n, actor={"mbox": f"mailto:{uuid4().hex}@example.net"}) for n in range(200)]
    plain = json.dumps([*filler, completed(number=1, actor=agent), *filler]).encode()
    packed = gzip.compress(plain) if encoding == "gzip" else zlib.compress(plain)
    for number, body in enumerate((packed[:-9], packed[: len(packed) * 2 // 3], packed[:-40] + b"\xff" * 40)):
        headers = {
            "X-Experience-API-Version": "1.0.3",
            "Content-Encoding": encoding,
            "Content-Type": "application/json",
        }
        answer = doors.client.post("/xapi/statements", content=body, auth=doors.sender, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (400, "damaged_encoding"), number
    bodies = set(letters())
    assert packed[:-9] in bodies
    dry = erase(doors, world["ann"], dry_run="true").json()["deleted"]["ops.dead_letters"]
    told = erase(doors, world["ann"]).json()["deleted"]["ops.dead_letters"]
    assert (dry, told) == ((4, 4) if whose == "ann" else (1, 1))
    assert len(bodies) - len(letters()) == told


def letters() -> list[bytes]:
    with session_scope() as db:
        return [bytes(body) for body in db.scalars(select(DeadLetter.body))]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (gzip.compress(b"one") + gzip.compress(b"two"), b"onetwo"),
        (gzip.compress(b"one") + b"rest", b"one"),
        (zlib.compress(b"one")[:-2], b"one"),
        (gzip.compress(b"a" * 10_000)[:-8], b"a" * 10_000),
        (gzip.compress(b"0" * MAX_UNPACKED_BYTES + b"end"), b"0" * MAX_UNPACKED_BYTES),
        (b'{"plain": 1}', b""),
        (b"x\x9c", b""),
        (b"", b""),
        (b"\x1f\x8b\x08", b""),
    ],
    ids=["two", "and more", "cut", "cut behind", "large", "plain", "two bytes", "empty", "heading"],
)
def test_a_body_is_unpacked_as_far_as_it_can_be(body: bytes, found: bytes) -> None:
    assert unpacked(body) == found


@pytest.mark.parametrize(
    ("text_", "holds"),
    [
        (EMAIL, True),
        (f"<{EMAIL.upper()}>.", True),
        (f"jo.{EMAIL}", False),
        (f"{EMAIL}.uk", False),
        (f"x{EMAIL}", False),
        (EMAIL.replace("@", "\\u0040"), True),
        (DIGEST.upper(), True),
        (DIGEST + "0", False),
        ("tel:+15550100123", True),
        ("+155501001234", False),
        (json.dumps({"actor": {"account": ACCOUNT}}), True),
        (json.dumps({"actor": {"account": ACCOUNT}}).replace("/", "\\/"), True),
        (json.dumps({"actor": {"account": {**ACCOUNT, "homePage": "https://other.example"}}}), False),
        (json.dumps({"n": "17", "home": ACCOUNT["homePage"]}), False),
        ('{"actor": {"account": {"homePage": "https://school.example/a", "name": "17"', True),
        (b"\xff\xfe" + EMAIL.encode(), True),
        ("nothing", False),
    ],
)
def test_a_person_is_recognised_in_text_however_it_is_written(text_: str | bytes, holds: bool) -> None:
    known = [
        Identifier("mbox", f"mailto:{EMAIL}"),
        Identifier("mbox_sha1sum", DIGEST),
        Identifier("phone", NUMBER),
        Identifier("account", f"{ACCOUNT['homePage']} {ACCOUNT['name']}"),
    ]
    assert marks_of(known).found_in(text_) is holds


@pytest.mark.parametrize(
    ("identifier", "written"),
    [
        (Identifier("mbox", "mailto:élodie.ärger@example.org"), "ÉLODIE.ÄRGER@Example.ORG"),
        (Identifier("mbox", "mailto:é@ü.example"), "É@Ü.example"),
        (Identifier("account", "urn:x 王小明"), {"homePage": "urn:x", "name": "王小明"}),
        (Identifier("account", "urn:x Øystein"), {"homePage": "urn:x", "name": "Øystein"}),
        (Identifier("account", "urn:x é"), {"homePage": "urn:x", "name": "é"}),
        (Identifier("mbox_sha1sum", DIGEST), DIGEST.upper()),
        (Identifier("openid", "https://Id.example/A%20B"), "https://id.example/a%20b"),
    ],
)
def test_statements_are_found_by_words_in_any_script_and_case(
    db: Session, identifier: Identifier, written: str | dict[str, str]
) -> None:
    extension = {"https://example.org/said": written}
    theirs = completed("somebody@example.net", 1, context={"extensions": extension})
    load(db, theirs, completed("else@example.net", 1))
    marks = marks_of([identifier])
    found = {key for key, payload in erasing.candidates(db, marks.needles, 0, None) if marks.found_in(payload)}
    assert found == {UUID(theirs["id"])}
