"""Files as people have them: encodings, separators, spreadsheets, and what is too much."""

import io
import zipfile

import openpyxl
import pytest

from app.accounts import roster_files
from app.accounts.roster import cohort_name, read_roster
from app.accounts.roster_files import read_table
from app.errors import BadRequest, TooLarge

TEXT = "First Name,Last Name,Email,Phone\nZoë,Öz,zoe@example.org,+15550100123\n"


def xlsx(*rows: tuple[object, ...]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.encode("cp1252"),
        TEXT.replace(",", ";").encode("cp1252"),
        TEXT.replace(",", "\t").encode("utf-8-sig"),
        TEXT.replace("\n", "\r\n").replace(",", '","').replace("First", '"First').replace("Phone", 'Phone"')
        .replace("Zoë", '"Zoë').replace("0123", '0123"').encode(),
        ("\r\n,,,\r\n" + TEXT).encode(),
        xlsx(("FIRST NAME ", "last_name", "E-Mail", "Phone"), ("Zoë", "Öz", "zoe@example.org", 15550100123)),
        xlsx(("phone", "EMAIL", "Nachname", "Vorname"), (15550100123.0, "zoe@example.org", "Öz", "Zoë")),
    ],
)  # fmt: skip
def test_one_person_however_the_file_is_written(content: bytes) -> None:
    (row,) = read_roster(read_table(content)).rows
    assert row.person is not None
    assert (row.person.name, row.person.email, row.person.phone) == ("Zoë Öz", "zoe@example.org", "+15550100123")


def test_rows_are_numbered_as_the_spreadsheet_does() -> None:
    table = read_table(b"Email\n\na@example.org\n,\nb@example.org\n")
    assert [row.number for row in table.rows] == [3, 5]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"Shoe size,Colour\n1,2\n", "E-mail|e-mail"),
        (b"Email,E-Mail\na,b\n", "Column 2"),
        (b"Email\na@example.org,x\n", "Row 2"),
        (b"Email\n\x00\x01\n", "neither"),
        (b"PK\x03\x04 nothing more", "damaged"),
        (b'Email\n"' + b"a" * 200_000, "Line"),
    ],
)
def test_what_is_no_roster_says_why(content: bytes, word: str) -> None:
    with pytest.raises(BadRequest, match=word):
        read_roster(read_table(content))


def test_limits_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TooLarge, match="20"):
        read_table(",".join(f"c{n}" for n in range(21)).encode())
    monkeypatch.setattr(roster_files, "MAX_ROWS", 3)
    assert len(read_table(b"Email\n" + b"a\n" * 3).rows) == 3
    for content in (b"Email\n" + b"a\n" * 4, xlsx(("Email",), *[("a",)] * 4)):
        with pytest.raises(TooLarge, match="3 rows"):
            read_table(content)


def test_an_archive_that_grows_is_refused_before_it_is_unpacked() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (roster_files.MAX_UNPACKED_BYTES + 1))
    assert len(bomb.getvalue()) < 2**20
    with pytest.raises(TooLarge, match="Unpacked"):
        read_table(bomb.getvalue())


def test_a_row_far_below_does_not_make_a_million_rows() -> None:
    held = io.BytesIO(xlsx(("Email",), ("a@example.org",)))
    with zipfile.ZipFile(held) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b'r="2"', b'r="1048576"').replace(b"A2", b"A1048576")
    far = io.BytesIO()
    with zipfile.ZipFile(far, "w") as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    with pytest.raises((TooLarge, BadRequest)):
        read_roster(read_table(far.getvalue()))


def test_group_and_team_make_one_cohort_for_ever() -> None:
    found = cohort_name("Class 7", "Blue Team")
    assert found is not None
    assert (found.slug, found.name) == ("class-7--blue-team", "Class 7 · Blue Team")
    assert cohort_name("CLASS 7", "blue  team".replace("  ", " ")).slug == found.slug  # type: ignore[union-attr]
    assert cohort_name("", "") is None
    slugs = [
        cohort_name(group, team).slug  # type: ignore[union-attr]
        for group, team in [
            ("A B", "C"),
            ("A", "B C"),
            ("A B C", ""),
            ("東京", ""),
            ("大阪", ""),
            ("東京", "a"),
            ("x" * 80, ""),
            ("x" * 81, ""),
        ]
    ]
    assert len(set(slugs)) == len(slugs)
    assert all(len(slug) <= 63 and slug[0].isalnum() for slug in slugs)
