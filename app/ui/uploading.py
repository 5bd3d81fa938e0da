"""A file that comes with a form (multipart/form-data, RFC 7578): one file and a few short fields, within limits."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from app.access.forms import MULTIPART, parts_of
from app.errors import BadRequest, Problem, TooLarge, Unsupported
from app.ui.forms import bounded_body

_ENVELOPE_BYTES = 64 * 1024
"""What the form takes beside the file."""


@dataclass(frozen=True, slots=True)
class UploadedForm:
    """The fields of the form, and its file. problem: why the file is none that can be read; then it is empty."""

    fields: dict[str, str]
    file_name: str
    content: bytes
    problem: str | None = None


async def uploaded_form(request: Request) -> UploadedForm:
    """Read the form. Unsupported or BadRequest when it is no such form; a file that is too large is a problem of it."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != MULTIPART:
        raise Unsupported(f"Send {MULTIPART}.", [Problem("Content-Type", "is no form with a file.")])
    most: int = request.app.state.settings.max_body_bytes
    try:
        await bounded_body(request, most + _ENVELOPE_BYTES)
    except TooLarge:
        return UploadedForm({}, "", b"", f"The file has more than {most / 2**20:.3g} MB. Import it in parts.")
    try:
        form = await parts_of(request)
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        file = form.get("file")
        name = (file.filename or "") if isinstance(file, UploadFile) else ""
        content = await file.read() if isinstance(file, UploadFile) else b""
    except HTTPException as error:
        raise BadRequest(f"The form cannot be read: {error.detail}", [Problem("$", str(error.detail))]) from None
    if any("\x00" in value for value in fields.values()):
        raise BadRequest("The form holds a NUL character.", [Problem("$", "holds a NUL character.", "Text.")])
    return UploadedForm(fields, name, content, _problem_of(name, content))


Uploaded = Annotated[UploadedForm, Depends(uploaded_form)]


def _problem_of(name: str, content: bytes) -> str | None:
    """Why this is certainly no table, told in a way that helps; None when it may be one."""
    if not content:
        return "Choose a file." if not name else f"“{name[:100]}” is empty."
    kind = name.rpartition(".")[2].lower() if "." in name else ""
    if content.startswith(b"\xd0\xcf\x11\xe0") or kind == "xls":
        return "This is an old Excel file (.xls). Open it and save it as .xlsx or as CSV."
    if kind in ("ods", "numbers", "pdf", "doc", "docx", "png", "jpg", "jpeg", "zip", "json") or content.startswith(
        (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"\x1f\x8b")
    ):
        return f"“{name[:100]}” is neither CSV nor XLSX. In your spreadsheet, save it as one of them."
    return None
