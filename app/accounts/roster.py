"""A roster: which columns of a table say who somebody is, and what each row says of a person. No database."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from app.accounts.identifiers import Identifier, Person, account_identifier, email_identifiers, normal_phone
from app.accounts.roster_files import Row, Table
from app.errors import BadRequest, Problem
from app.platform import clock

ID_HOME_PAGE = "urn:7taps-analytics:roster"
"""Whose ids the column ID holds, as the home page of xAPI accounts, while nobody says otherwise."""
MAX_NAME_CHARACTERS = 200
MAX_ATTRIBUTE_CHARACTERS = 500
_MAX_SLUG_CHARACTERS = 63

# By the letters and digits of a heading, in lower case and without accents.
_SYNONYMS: Mapping[str, Iterable[str]] = {
    "first_name": ("firstname", "first", "givenname", "forename", "vorname", "prenom", "nombre"),
    "last_name": ("lastname", "last", "surname", "familyname", "nachname", "nomdefamille", "apellido", "apellidos"),
    "name": ("name", "fullname", "displayname", "learner", "learnername", "studentname", "participant"),
    "email": ("email", "mail", "emailaddress", "emailadresse", "mailadresse", "workemail", "correo", "courriel"),
    "phone": ("phone", "phonenumber", "mobile", "mobilephone", "mobilenumber", "cell", "cellphone", "telephone",
              "telefon", "telefonnummer", "handy", "tel"),
    "id": ("id", "learnerid", "userid", "studentid", "employeeid", "externalid", "personid"),
    "group": ("group", "groupname", "groups", "gruppe", "groupe", "grupo", "class", "klasse"),
    "team": ("team", "teamname", "teams", "equipe", "equipo"),
    "time_zone": ("timezone", "tz", "zeitzone"),
    "language": ("language", "lang", "locale", "sprache", "langue", "idioma"),
}  # fmt: skip
_FIELD_OF = {spelling: name for name, spellings in _SYNONYMS.items() for spelling in spellings}
_EMAIL = re.compile(r"[^@\s<>\"(),;:\\]+@[^@\s<>\"(),;:\\]+\.[^@\s<>\"(),;:\\]+")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")


@dataclass(slots=True)
class RosterRow:
    """What a row says of a person. problems: why it cannot be used. duplicate_of: the row that names them first."""

    number: int
    person: Person | None
    time_zone: str | None
    language: str | None
    cohort: "CohortName | None"
    attributes: dict[str, str]
    problems: list[Problem] = field(default_factory=list)
    duplicate_of: int | None = None


@dataclass(frozen=True, slots=True)
class CohortName:
    """The cohort that a group and a team make: its name, and the short name that follows from it, for ever the same."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Roster:
    """A roster that was read. columns: what each heading is taken for; attributes by their own heading."""

    rows: tuple[RosterRow, ...]
    columns: Mapping[str, str]


def read_roster(table: Table, id_home_page: str = ID_HOME_PAGE) -> Roster:
    """Every row of a table as what it says of a person. BadRequest when the headings name nobody.

    id_home_page: the system that the column ID counts in; the same id there is the same person.
    """
    columns = _columns(table.headings)
    rows = tuple(_read(row, table.headings, columns, id_home_page) for row in table.rows)
    _mark_duplicates(rows)
    return Roster(rows, {heading: columns[place] for place, heading in enumerate(table.headings) if heading})


def cohort_name(group: str, team: str) -> CohortName | None:
    """The cohort of a group and a team, either of which may be missing. Case and accents make no other cohort."""
    parts = [part for part in (group, team) if part]
    if not parts:
        return None
    # Two hyphens stand between group and team and nowhere else, so that "A B" of "C" is not "A" of "B C".
    slugs = [_slug(group), _slug(team)] if group and team else [_slug(parts[0])]
    slug = "--".join(slugs)
    if not all(slugs) or len(slug) > _MAX_SLUG_CHARACTERS or any(_loses(part) for part in parts):
        digest = hashlib.sha256("\x00".join(part.casefold() for part in (group, team)).encode()).hexdigest()[:10]
        slug = f"{slug.strip('-')[:50].rstrip('-') or 'cohort'}-{digest}"
    return CohortName(slug, " · ".join(parts)[:MAX_NAME_CHARACTERS])


def _columns(headings: tuple[str, ...]) -> list[str]:
    """What each column is: a field, or its own heading for an attribute."""
    found: list[str] = []
    for place, heading in enumerate(headings, start=1):
        name = _FIELD_OF.get(_plain(heading), heading)
        if name and name in found:
            told = f"says the same as column {found.index(name) + 1}: {name}."
            raise BadRequest(f"Column {place} {told}", [Problem(f"column {place}", told, "Each heading once.")])
        found.append(name)
    if not {"email", "phone", "id"} & set(found):
        told = "name neither an e-mail address nor a phone number nor an id."
        expected = "At least one column headed Email, Phone or ID."
        raise BadRequest(f"The headings {told} {expected}", [Problem("row 1", told, expected)])
    return found


def _read(row: Row, headings: tuple[str, ...], columns: list[str], id_home_page: str) -> RosterRow:
    said: dict[str, str] = {}
    attributes: dict[str, str] = {}
    problems: list[Problem] = []
    for heading, column, cell in zip(headings, columns, row.cells, strict=True):
        text = " ".join(cell.split())
        if column in _SYNONYMS:
            said[column] = text
        elif heading and text:
            if len(text) > MAX_ATTRIBUTE_CHARACTERS:
                told = f"has {len(text)} characters."
                problems.append(Problem(heading, told, f"{MAX_ATTRIBUTE_CHARACTERS} at most."))
            attributes[heading] = text
    name = said.get("name") or " ".join(filter(None, (said.get("first_name"), said.get("last_name"))))
    person = _person(said, name, id_home_page, problems)
    time_zone, language = said.get("time_zone") or None, said.get("language") or None
    if time_zone and time_zone not in clock.time_zones():
        problems.append(Problem("time_zone", f"{time_zone[:60]!r} is no IANA time zone.", "Such as Europe/Berlin."))
    if language and not _LANGUAGE.fullmatch(language):
        problems.append(Problem("language", f"{language[:60]!r} is no language tag.", "Such as en-GB."))
    for part in ("group", "team"):
        if len(said.get(part, "")) > MAX_NAME_CHARACTERS:
            problems.append(Problem(part, "is too long.", f"{MAX_NAME_CHARACTERS} characters at most."))
    cohort = cohort_name(said.get("group", ""), said.get("team", ""))
    return RosterRow(row.number, person, time_zone, language, cohort, attributes, problems)


def _person(said: Mapping[str, str], name: str, id_home_page: str, problems: list[Problem]) -> Person | None:
    identifiers: list[Identifier] = []
    email = said.get("email", "").lower() or None
    if email and (len(email) > 320 or not _EMAIL.fullmatch(email)):
        problems.append(Problem("email", f"{email[:60]!r} is no e-mail address.", "Such as sam@example.org."))
    elif email:
        identifiers.extend(email_identifiers(said["email"]))
    phone = normal_phone(said["phone"]) if said.get("phone") else None
    if said.get("phone") and phone is None:
        expected = "With its country code, such as +15551234567."
        problems.append(Problem("phone", f"{said['phone'][:40]!r} is no phone number.", expected))
    elif phone:
        identifiers.append(Identifier("phone", phone))
    if own_id := said.get("id"):
        if len(own_id) > MAX_NAME_CHARACTERS:
            problems.append(Problem("id", "is too long.", f"{MAX_NAME_CHARACTERS} characters at most."))
        identifiers.append(account_identifier(id_home_page, own_id))
    if len(name) > MAX_NAME_CHARACTERS:
        problems.append(Problem("name", "is too long.", f"{MAX_NAME_CHARACTERS} characters at most."))
    if not identifiers:
        if not problems:
            problems.append(Problem("$", "names nobody: e-mail, phone and ID are empty.", "One of them."))
        return None
    first = identifiers[0]
    return Person(f"{first.kind}:{first.value}", tuple(identifiers), name or None, email, phone)


def _mark_duplicates(rows: Iterable[RosterRow]) -> None:
    """Say of each row that names a person again which row named them first."""
    first: dict[UUID, int] = {}
    for row in rows:
        if row.person is None or row.problems:
            continue
        keys = [identifier.key for identifier in row.person.identifiers]
        met = {first[key] for key in keys if key in first}
        if len(met) > 1:
            told = f"names the people of rows {', '.join(map(str, sorted(met)))} at once."
            row.problems.append(Problem("$", told, "E-mail, phone and ID of one person."))
            continue
        row.duplicate_of = next(iter(met), None)
        for key in keys:
            first.setdefault(key, row.duplicate_of or row.number)


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[^a-z0-9]", "", folded)


def _slug(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", folded).strip("-")


def _loses(text: str) -> bool:
    """Whether letters of the text have no place in a slug, so that another text might have the same one."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return any(character.isalnum() and not character.isascii() for character in folded)
