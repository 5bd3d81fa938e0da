"""Tables in files: CSV as anybody's spreadsheet writes it, XLSX; read into rows of text within limits. No database."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import islice
from typing import Any

from app.errors import AppError, BadRequest, Problem, TooLarge

MAX_ROWS = 10_000
MAX_COLUMNS = 20
MAX_CELL_CHARACTERS = 5_000
MAX_UNPACKED_BYTES = 64 * 2**20
MAX_PARTS = 500
"""Of an XLSX, which is a zip archive: what it may hold unpacked, and in how many files."""

_DELIMITERS = ",;\t|"
_ZIP = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table. number: as a spreadsheet counts, the headings being row 1. cells: as many as headings."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with one row of headings. Rows without any content are left out; their numbers are counted."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]


def read_table(content: bytes) -> Table:
    """Read CSV or XLSX, whichever the bytes are. BadRequest says what cannot be read and where; TooLarge which limit.

    CSV: UTF-8 with or without BOM, UTF-16 with BOM, else Windows-1252; comma, semicolon, tab or bar, by the headings.
    """
    lines = _xlsx_lines(content) if content.startswith(_ZIP) else _csv_lines(content)
    numbered = ((number, cells) for number, cells in enumerate(lines, start=1))
    first = next(((number, cells) for number, cells in numbered if any(cells)), None)
    if first is None:
        raise BadRequest(
            "The file is empty.", [Problem("$", "holds no row.", "A row of headings, then one per person.")]
        )
    headings = _without_tail(first[1])
    if len(headings) > MAX_COLUMNS:
        raise TooLarge(f"The file has {len(headings)} columns; {MAX_COLUMNS} is the most.")
    rows: list[Row] = []
    for number, cells in numbered:
        if not any(cells):
            continue
        if len(rows) == MAX_ROWS:
            raise TooLarge(f"The file has more than {MAX_ROWS} rows. Import it in parts.")
        if extra := [cell for cell in cells[len(headings) :] if cell]:
            told = f"has {len(extra)} cells beyond the last heading."
            raise BadRequest(f"Row {number} {told}", [Problem(f"row {number}", told, "One cell per heading.")])
        if any(len(cell) > MAX_CELL_CHARACTERS for cell in cells):
            raise TooLarge(f"Row {number} has a cell of more than {MAX_CELL_CHARACTERS} characters.")
        rows.append(Row(number, tuple(cells[: len(headings)]) + ("",) * (len(headings) - len(cells))))
    return Table(tuple(headings), tuple(rows))


def _without_tail(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    return cells


def _csv_lines(content: bytes) -> Iterator[list[str]]:
    text = _decoded(content)
    if "\x00" in text:
        raise BadRequest("The file is neither CSV nor XLSX.", [Problem("$", "holds NUL characters.", "CSV or XLSX.")])
    head = next((line for line in text.splitlines() if line.strip(" ,;\t|")), "")
    outside = re.sub(r'"[^"]*"', "", head)
    delimiter = max(_DELIMITERS, key=outside.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            yield [_clean(cell) for cell in cells]
    except csv.Error as error:
        told = f"cannot be read as CSV: {error}."
        raise BadRequest(f"Line {reader.line_num} {told}", [Problem(f"line {reader.line_num}", told)]) from None


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # The few bytes that Windows-1252 leaves undefined become U+FFFD.
        return content.decode("cp1252", "replace")


def _xlsx_lines(content: bytes) -> Iterator[list[str]]:
    import openpyxl  # noqa: PLC0415  (takes a while, and only these files need it)

    _check_archive(content)
    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        # What the file says of its own size is not believed.
        sheet.reset_dimensions()
        most = 2 * MAX_ROWS + 2
        rows: Iterable[Any] = sheet.iter_rows(max_row=most, max_col=MAX_COLUMNS + 1, values_only=True)
        for count, row in enumerate(islice(rows, most), start=1):
            if count == most:
                raise TooLarge(f"The sheet has rows beyond {most - 1}. Import it in parts.")
            yield _without_tail([_as_text(value) for value in row])
    except AppError:
        raise
    except Exception as error:
        told = f"cannot be read as XLSX: {type(error).__name__}."
        raise BadRequest(f"The file {told}", [Problem("$", told, "The first sheet of an XLSX, or CSV.")]) from error


def _check_archive(content: bytes) -> None:
    """Refuse what would be much larger unpacked. Reading stops at the declared size, so that can be believed."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as error:
        raise BadRequest("The file is a damaged XLSX.", [Problem("$", f"is no archive: {error}.")]) from None
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        raise TooLarge(f"Unpacked, the file has more than {MAX_UNPACKED_BYTES} bytes or {MAX_PARTS} parts.")


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        # Phone numbers and ids are numbers to a spreadsheet.
        return str(int(value))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, date | datetime):
        return value.isoformat()
    return _clean(str(value))


def _clean(cell: str) -> str:
    return cell.replace("\x00", "\ufffd").replace("\ufeff", "").strip()
