"""Reports as tables: CSV that is streamed row by row, XLSX that is written row by row into a file.

XlsxWriter keeps no more than a row in memory (constant_memory) and needs nothing else.
"""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import IO, Any
from uuid import UUID

import xlsxwriter

from app.errors import BadRequest
from app.platform import clock

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Cell = str | int | float | bool | date | datetime | UUID | None
SHEET_MAX_ROWS = 1_048_576
CELL_MAX_CHARACTERS = 32_767
"""What a worksheet holds, its heading included, and what one cell of it holds."""
CHUNK_BYTES = 2**16
_COLUMN_WIDTH_CHARACTERS = 20
_CSV_LINES_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Table:
    """A report as a table, whole. name: of the file and of the sheet, without an ending."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def csv_chunks(table: Table) -> Iterator[str]:
    """The table as CSV (RFC 4180) in pieces, times in UTC; an empty cell means that there is nothing."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(table.columns)
    for number, row in enumerate(table.rows):
        writer.writerow([csv_cell(cell) for cell in row])
        if number % _CSV_LINES_AT_ONCE == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def csv_cell(value: Cell) -> object:
    """A cell that no spreadsheet runs as a formula: names are written by learners themselves (CWE-1236)."""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r", "\n")):
        return value if value[1:].isdigit() else f"'{value}"
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def xlsx_file(table: Table) -> IO[bytes]:
    """The table as a workbook of one sheet, in a temporary file that goes when it is closed.

    Text is written as text, so that none of it is ever a formula; dates and times are dates and times, these in UTC,
    as a sheet knows no time zones. BadRequest when there are more rows than a sheet holds.
    """
    with ExitStack() as closing:
        file = closing.enter_context(tempfile.TemporaryFile())
        _write(file, table)
        file.seek(0)
        # Whole: from here on it is the caller's to close.
        closing.pop_all()
        return file


def file_chunks(file: IO[bytes]) -> Iterator[bytes]:
    """The bytes of a file, piece by piece; closed at the end, also when nobody wants the rest."""
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _write(file: IO[bytes], table: Table) -> None:
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    workbook = xlsxwriter.Workbook(file, {**options, "default_date_format": "yyyy-mm-dd"})
    try:
        sheet = workbook.add_worksheet(table.name[:31])
        heading = workbook.add_format({"bold": True})
        moment = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        sheet.set_column(0, len(table.columns) - 1, _COLUMN_WIDTH_CHARACTERS)
        sheet.freeze_panes(1, 0)
        for column, title in enumerate(table.columns):
            sheet.write_string(0, column, title, heading)
        for number, row in enumerate(table.rows, start=1):
            if number >= SHEET_MAX_ROWS:
                raise BadRequest(
                    f"The report has more than the {SHEET_MAX_ROWS - 1:,} rows that a worksheet holds. Ask for CSV, or "
                    "for less, by lesson, days or attributes."
                )
            for column, value in enumerate(row):
                _write_cell(sheet, number, column, value, moment)
    finally:
        workbook.close()


def _write_cell(sheet: Any, row: int, column: int, value: Cell, moment: Any) -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value)
    elif isinstance(value, datetime):
        sheet.write_datetime(row, column, value.astimezone(UTC).replace(tzinfo=None), moment)
    elif isinstance(value, date):
        sheet.write_datetime(row, column, value)
    else:
        sheet.write_string(row, column, str(value)[:CELL_MAX_CHARACTERS])
