"""Whose data may this person see, and under which name? The only place that answers it.

Every report, look-up and preview passes through here. With LEARNER_DISPLAY=pseudonyms nothing that it lets through
says who a learner is, and no search or filter that it makes finds somebody by who they are.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_, select, text
from sqlalchemy.orm import Session

from app.accounts.pseudonyms import Pseudonyms, digits_of, pseudonyms_under
from app.config import Settings, get_settings
from app.errors import BadRequest, Problem
from app.models import User

LEAST_LEARNERS = 5
"""Under pseudonyms, the value of an attribute is shown and can be filtered by when so many learners have it.

What fewer have (an id, a nickname, a birthday, another address) tells who somebody is, whatever its column is called.
"""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at the data of learners. name: as the audit log and the log know them.

    pseudonyms: under which learners are shown to them; None: as they are called.
    """

    name: str
    sees_everybody: bool = False
    pseudonyms: Pseudonyms | None = None


EVERYBODY = "true"
"""The condition that holds for every learner."""
ADMIN = Viewer("admin token", sees_everybody=True)
"""An admin who sees names."""


def admin(settings: Settings | None = None) -> Viewer:
    """Whoever holds the admin token; LEARNER_DISPLAY says how learners are shown to them."""
    settings = settings or get_settings()
    if settings.learner_display == "names":
        return ADMIN
    return Viewer(ADMIN.name, sees_everybody=True, pseudonyms=pseudonyms_under(settings.required_pseudonym_secret))


def may_see(viewer: Viewer, learner: str) -> str:
    """The SQL condition that holds for exactly those learners whose data the viewer may see.

    learner: the SQL expression of a learner's id, such as `member.user_id`; never text that somebody sent. Admins see
    everybody; nobody else sees anybody yet.
    """
    return EVERYBODY if viewer.sees_everybody else f"({learner} IS NULL AND {learner} IS NOT NULL)"


def shown(viewer: Viewer, learner: Any) -> dict[str, Any]:
    """How a learner is shown: id, name, email, phone. Under a pseudonym only that, and the id, which says nothing.

    learner: a row or an object with these four.
    """
    if viewer.pseudonyms is None:
        return {"id": learner.id, "name": learner.name, "email": learner.email, "phone": learner.phone}
    return {"id": learner.id, "name": viewer.pseudonyms.of(learner.id), "email": None, "phone": None}


def order(viewer: Viewer, users: str) -> str:
    """The SQL expression by which learners are ordered, of rows of public.users known as `users`: as they are shown.

    Its parameters are those of `parameters`. An order by name would tell where in the alphabet somebody stands.
    """
    if viewer.pseudonyms is not None:
        return viewer.pseudonyms.digits(f"{users}.id")
    # As much of it as an index can hold, whatever somebody calls themselves.
    return f"left(lower(coalesce({users}.name, {users}.email, {users}.phone, '')), 200)"


def parameters(viewer: Viewer) -> dict[str, Any]:
    """What queries with `order` or `have_attributes` in them have to bind."""
    return {} if viewer.pseudonyms is None else {**viewer.pseudonyms.parameters, "least_learners": LEAST_LEARNERS}


def have_attributes(
    viewer: Viewer, users: str, attributes: Mapping[str, tuple[str, ...]]
) -> tuple[str, dict[str, Any]]:
    """The SQL condition, with its parameters, that a learner has one of the values of each of these attributes.

    Under pseudonyms a value that fewer than LEAST_LEARNERS have is as if nobody had it, and so are several attributes
    that together fit fewer.
    """
    if not attributes:
        return EVERYBODY, {}
    bound: dict[str, Any] = {}
    conditions: list[str] = []
    for place, (name, values) in enumerate(sorted(attributes.items())):
        bound |= {f"attribute_{place}": name, f"values_{place}": list(values)}
        wanted = f":values_{place}"
        if viewer.pseudonyms is not None:
            wanted = (
                f"ARRAY(SELECT w.attributes ->> :attribute_{place} FROM users w "  # noqa: S608  (names of our own)
                f"WHERE w.attributes ->> :attribute_{place} = ANY(:values_{place}) "
                "GROUP BY 1 HAVING count(*) >= :least_learners)"
            )
        conditions.append(f"{{users}}.attributes ->> :attribute_{place} = ANY({wanted})")
    condition = " AND ".join(conditions)
    found = condition.format(users=users)
    if viewer.pseudonyms is not None and len(attributes) > 1:
        together = condition.format(users="o")
        found += f" AND (SELECT count(*) FROM users o WHERE {together}) >= :least_learners"  # noqa: S608
    return found, bound


def shown_attributes(db: Session, viewer: Viewer, attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a learner that the viewer may see, see LEAST_LEARNERS."""
    if viewer.pseudonyms is None or not attributes:
        return dict(attributes)
    query = select(text("count(*)")).select_from(User)
    return {
        name: masked(viewer, value)
        for name, value in attributes.items()
        if db.execute(query.where(User.attributes[name].astext == value)).scalar_one() >= LEAST_LEARNERS
    }


def found_by(viewer: Viewer, path: str, searched: str, *columns: Any) -> ColumnElement[bool]:
    """The condition on users that a search finds: these letters in one of the columns, in either case.

    Under pseudonyms only a whole pseudonym finds somebody, and anything else is refused, whether or not it would have
    found anybody: BadRequest names `path`.
    """
    if viewer.pseudonyms is None:
        return or_(*(column.icontains(searched, autoescape=True) for column in columns))
    digits = digits_of(searched)
    if digits is None:
        wrong = Problem(path, "is no pseudonym, and learners are shown by these only.", "Such as Learner 7KQ2-MX4D.")
        raise BadRequest(f"{path} {wrong.message}", [wrong])
    sql = f"{viewer.pseudonyms.digits('users.id')} = :pseudonym_digits"
    return text(sql).bindparams(**viewer.pseudonyms.parameters, pseudonym_digits=digits)  # type: ignore[return-value]


_PART = r"[^\s@<>\"'(),;:/?#&=]"
_LABEL = r"[^\s@<>\"'(),;:/?#&=.%]"
_DOT = r"(?:\.|%2E)"
# Bounded as RFC 5321 4.5.3.1 bounds them, and nothing behind the @ is tried twice, so that no word takes longer than
# others: neither a long one without an @ nor one of many.
_ADDRESS = re.compile(rf"{_PART}{{1,64}}(?:@|%40)\.*+{_LABEL}{{1,255}}+(?:{_DOT}++{_LABEL}{{1,63}}+)++", re.I)
_NUMBER = re.compile(r"(?<![\w-])(?:\+\d|\d[ ().-]{0,2}\d)(?:[ ().-]{0,2}\d){7,13}(?![\w-])", re.ASCII)
_HIDDEN = "[hidden]"
_SHORTEST_NAME = 2


def masked(viewer: Viewer, said: str, *whose: str | None, numbers: bool = True) -> str:
    """Text that somebody wrote, as the viewer may read it: under pseudonyms without any e-mail address or phone number.

    whose: what the writer is called and known by (name, address, number, handle), which goes too, in each of its words.
    numbers: whether digits may be a phone number; in an address of a page they are not. Other people who are named in
    running text are not recognised.
    """
    if viewer.pseudonyms is None:
        return said
    said = _ADDRESS.sub(_HIDDEN, said)
    if numbers:
        said = _NUMBER.sub(_HIDDEN, said)
    words = {word for one in whose if one for word in (one, *re.split(r"[\s,]+", one)) if len(word) >= _SHORTEST_NAME}
    if words:
        said = re.sub("|".join(map(_as_a_word, sorted(words, key=len, reverse=True))), _HIDDEN, said, flags=re.I)
    return said


def _as_a_word(name: str) -> str:
    """The pattern of a name: not as a part of another word, in scripts that have words."""
    begins, ends = (letter.lower() != letter.upper() for letter in (name[0], name[-1]))
    return (r"(?<!\w)" if begins else "") + re.escape(name) + (r"(?!\w)" if ends else "")
