"""People are recognised by any identifier and never made twice."""

import threading
from hashlib import sha1

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts.identifiers import Person, person_of
from app.accounts.models import UserIdentifier
from app.accounts.people import recognise
from app.database import session_scope
from app.models import User


def person(**actor: object) -> Person:
    found = person_of(actor)
    assert found is not None
    return found


def learners(db: Session) -> int:
    return db.scalar(select(func.count()).select_from(User)) or 0


def test_a_person_seen_twice_is_one_learner(db: Session) -> None:
    first = recognise(db, [person(mbox="mailto:Sam@example.org", name="Sam")], source="statement")
    second = recognise(db, [person(mbox="mailto:sam@EXAMPLE.org")], source="statement")
    assert list(first.values()) == list(second.values())
    assert learners(db) == 1
    user = db.scalars(select(User)).one()
    assert (user.name, user.email, user.source) == ("Sam", "sam@example.org", "statement")


def test_the_hidden_address_first_and_the_open_one_later_are_one_learner(db: Session) -> None:
    digest = sha1(b"mailto:sam@example.org").hexdigest()
    hidden = recognise(db, [person(mbox_sha1sum=digest)], source="statement")
    shown = recognise(db, [person(mbox="mailto:sam@example.org")], source="statement")
    assert list(hidden.values()) == list(shown.values())
    assert learners(db) == 1


def test_two_forms_of_one_person_in_one_batch_are_one_learner(db: Session) -> None:
    found = recognise(
        db,
        [
            person(mbox="mailto:sam@example.org"),
            person(account={"homePage": "https://app.7taps.com", "name": "sam@example.org"}),
            person(mbox="mailto:kim@example.org"),
        ],
        source="statement",
    )
    assert len(found) == 3
    assert len(set(found.values())) == 2


def test_two_loaders_that_meet_the_same_newcomers_make_each_once(clean: None) -> None:
    newcomers = [person(mbox=f"mailto:p{n}@example.org") for n in range(50)]
    start, failures = threading.Barrier(4), []

    def load(order: int) -> None:
        try:
            start.wait()
            with session_scope() as db:
                recognise(db, newcomers[::order], source="statement")
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=load, args=(order,)) for order in (1, -1, 1, -1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with session_scope() as db:
        assert learners(db) == 50
        assert db.scalar(select(func.count()).select_from(UserIdentifier)) == 100
