"""Where learners end their reminders, without an account: by one click of their mail program, or on a page.

RFC 8058: POST does it, whoever sends it; GET only shows a page, since scanners of mail follow every link.
"""

from html import escape
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from app.api.problems import errors
from app.config import get_settings
from app.database import get_db
from app.notifications import acts
from app.notifications.unsubscribing import PATH, learner_of

router = APIRouter(
    tags=["Reminders"],
    responses={
        **errors(503),
        404: {
            "description": "Nobody's link: a page that says so",
            "content": {"text/html": {"schema": {"type": "string"}}},
        },
    },
)
Db = Annotated[Session, Depends(get_db, scope="function")]
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; --page: #f4f6f6; --card: #fff; --line: #dde2e3; --ink: #1b2326; --soft: #566166;
    --accent: #0b6b62; --on-accent: #fff; }}
  @media (prefers-color-scheme: dark) {{ :root {{ --page: #14181a; --card: #1d2326; --line: #343c40; --ink: #e8ecee;
    --soft: #a7b1b6; --accent: #6fc7bd; --on-accent: #0f1517; }} }}
  body {{ margin: 0; padding: 24px 16px; background: var(--page); color: var(--ink);
    font: 16px/24px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }}
  main {{ max-width: 480px; margin: 8vh auto 0; padding: 24px; background: var(--card); border: 1px solid var(--line);
    border-radius: 8px; }}
  h1 {{ margin: 0 0 8px; font-size: 20px; line-height: 28px; }}
  p {{ margin: 0 0 16px; color: var(--soft); }}
  p:last-child {{ margin: 0; }}
  button {{ min-height: 44px; padding: 8px 20px; border: 0; border-radius: 8px; background: var(--accent);
    color: var(--on-accent); font: inherit; font-weight: 600; cursor: pointer; }}
  button:focus-visible {{ outline: 3px solid var(--ink); outline-offset: 2px; }}
</style>
</head>
<body><main><h1>{title}</h1><p>{words}</p>{form}</main></body>
</html>
"""
_FORM = (
    '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
    '<button type="submit">No more reminders</button></form>'
)


@router.get(f"{PATH}{{token}}", response_class=HTMLResponse)
def get_unsubscribe(token: str) -> HTMLResponse:
    """A page that asks whether to end the reminders. Changes nothing."""
    if learner_of(get_settings(), token) is None:
        return _unknown()
    words = "You will get no more e-mails about lessons that are left. Your course and what you have done stay as is."
    return _page(200, "No more reminders?", words, _FORM)


@router.post(f"{PATH}{{token}}", response_class=HTMLResponse)
def post_unsubscribe(token: str, db: Db) -> HTMLResponse:
    """End the reminders of the learner whose link this is. Again: the same. The body is not needed and not read."""
    learner_id = learner_of(get_settings(), token)
    if learner_id is None:
        return _unknown()
    # Somebody who was erased gets no more reminders either, so the answer is the same and tells nothing.
    acts.unsubscribe(db, learner_id)
    return _page(200, "Done", "You will get no more reminders. If you want them again, tell your course team.")


def _unknown() -> HTMLResponse:
    return _page(404, "This link does not work", "It is not complete. Please use the one in your latest reminder.")


def _page(status: int, title: str, words: str, form: str = "") -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=escape(title), words=escape(words), form=form), status, HEADERS)
