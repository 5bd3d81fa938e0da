"""Sign-up: somebody says who they are and joins a cohort. What is known already is neither told nor overwritten."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.accounts import cohorts
from app.accounts.identifiers import Person, person_known_by
from app.accounts.models import AvatarClaim
from app.accounts.people import fill_in, owners_of, recognise, take_turn
from app.errors import BadRequest, Problem
from app.models import User
from app.schemas import SignupRequest, UserRead


class AvatarTaken(BadRequest):
    """Somebody has this public handle; another one has to be chosen."""

    code = "avatar_taken"
    title = "This avatar is taken"


@dataclass(frozen=True, slots=True)
class SignedUp:
    """What came of it, for us: the answer to the outside says nothing of this."""

    user_id: UUID
    is_new: bool


def sign_up(db: Session, wanted: SignupRequest, *, trusted: bool) -> SignedUp:
    """Enter a learner, or let the one who has this e-mail address or phone number join the cohort.

    Of a learner who is known already only blanks are filled (name, time zone, language, avatar). Further identifiers
    are added only when a trusted party says so: on a public form anybody can write an address of somebody else beside
    a phone number of their own. AvatarTaken when the handle was ever asked for; BadRequest when there is no such
    cohort.
    """
    cohort_id = _cohort(db, wanted.cohort) if wanted.cohort else None
    person = _person(wanted)
    take_turn(db)
    owners = owners_of(db, [identifier.key for identifier in person.identifiers])
    known = next((owners[one.key] for one in person.identifiers if one.key in owners), None)
    user_id = known
    if user_id is None or trusted:
        user_id = recognise(db, [person], source="signup")[person.actor_key]
    blanks = {"name": wanted.name, "time_zone": wanted.time_zone, "language": wanted.language}
    if trusted:
        blanks |= {"email": person.email, "phone": person.phone}
    fill_in(db, user_id, blanks)
    if wanted.avatar:
        _claim(db, user_id, wanted.avatar)
    if cohort_id is not None:
        cohorts.enter(db, [(cohort_id, user_id)])
    return SignedUp(user_id, known is None)


def told(wanted: SignupRequest) -> UserRead:
    """The answer to a sign-up: what was said, as it was understood. Nothing that the store knew before."""
    person = _person(wanted)
    return UserRead(
        name=wanted.name,
        email=person.email,
        phone=person.phone,
        avatar=wanted.avatar,
        cohort=wanted.cohort,
        time_zone=wanted.time_zone,
        language=wanted.language,
    )


def _person(wanted: SignupRequest) -> Person:
    return person_known_by(wanted.name, wanted.email, wanted.phone)


def _cohort(db: Session, slug: str) -> UUID:
    found = cohorts.ids_of(db, [slug]).get(slug)
    if found is None:
        told = "names no cohort."
        raise BadRequest(f"cohort {told}", [Problem("cohort", told, "The short name of a cohort, as in its address.")])
    return found


def _claim(db: Session, user_id: UUID, handle: str) -> None:
    """Take the handle, for good. A learner who has one keeps it; the new one is taken all the same.

    Otherwise asking for handles would tell which address belongs to which of them.
    """
    claim = insert(AvatarClaim).values(handle=handle, user_id=user_id).on_conflict_do_nothing()
    if db.execute(claim.returning(AvatarClaim.handle)).first() is None:
        message = "is taken by somebody already; the case of its letters makes no difference."
        raise AvatarTaken(f"The avatar “{handle}” is taken. Choose another one.", [Problem("avatar", message)])
    db.execute(update(User).where(User.id == user_id).values(avatar=func.coalesce(User.avatar, handle)))
