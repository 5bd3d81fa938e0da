"""For whom a page is made."""

from fastapi import Request

from app.accounts.visibility import ADMIN, Viewer


def viewer_of(request: Request) -> Viewer:
    """Whose eyes decide which learners the page may show. Everybody who is let in sees all learners so far."""
    return Viewer(request.state.caller.name, sees_everybody=ADMIN.sees_everybody)
