"""What a browser shows after a form was posted: small pages without scripts, every word of the sender's escaped."""

from collections.abc import Sequence
from html import escape

from fastapi.responses import HTMLResponse

from app.errors import AppError, Problem

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_LABELS = {
    "name": "Name",
    "email": "E-mail",
    "phone": "Phone",
    "avatar": "Avatar",
    "cohort": "Course",
    "time_zone": "Time zone",
    "language": "Language",
}


def thanks_page() -> HTMLResponse:
    """Shown where no SIGNUP_REDIRECT_URL is set."""
    return _page(200, "You are signed up", "<p>Thank you. You can close this page.</p>")


def refusal_page(error: AppError) -> HTMLResponse:
    """What was wrong, by the name of the field, and what to do about it."""
    told = "".join(f"<li>{_line(problem)}</li>" for problem in error.problems)
    list_ = f"<ul>{told}</ul>" if told else f"<p>{escape(error.message)}</p>"
    return _page(
        error.status, "That did not work", f"{list_}<p>Go back in your browser, change it, and send it again.</p>"
    )


def describe(problems: Sequence[Problem]) -> str:
    """Problems as one sentence."""
    return "; ".join(f"{_LABELS.get(one.path, one.path)}: {one.message.rstrip('.')}" for one in problems) + "."


def _line(problem: Problem) -> str:
    label = f"<strong>{escape(_LABELS[problem.path])}</strong>: " if problem.path in _LABELS else ""
    return label + escape(problem.message)


def _page(status: int, title: str, inner: str) -> HTMLResponse:
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title></head>'
        f"<body><main><h1>{escape(title)}</h1>{inner}</main></body></html>",
        status,
        headers=_HEADERS,
    )
