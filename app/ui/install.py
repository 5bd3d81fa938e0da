"""All pages, wired into the application."""

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from app.ui import (
    account,
    accounts_admin,
    audit_log,
    chart_files,
    cohorts,
    contracts,
    db_terminal,
    dead_letter,
    dead_letters,
    definitions,
    keys,
    learner,
    learner_acts,
    learners,
    lesson,
    lesson_forms,
    lessons,
    list_files,
    live,
    login,
    outbox,
    overview,
    parts,
    pipeline,
    proxying,
    reminder_history,
    reminder_mail,
    reminder_templates,
    reminders,
    roster,
    search,
    statements,
)
from app.ui.assets import PREFIX, get_asset
from app.ui.errors import ErrorPages

ROUTERS = (
    account.router,
    accounts_admin.router,
    audit_log.router,
    chart_files.router,
    cohorts.router,
    db_terminal.router,
    list_files.router,  # before the pages of one: /ui/statements/file is none
    dead_letter.router,
    dead_letters.router,
    contracts.router,
    definitions.router,
    keys.router,
    learner_acts.router,
    learners.router,  # before the pages of one: /ui/learners/file is none
    learner.router,
    lesson.router,
    lesson_forms.router,
    lessons.router,
    live.router,
    login.router,
    outbox.router,
    overview.router,
    parts.router,
    pipeline.router,
    proxying.router,
    reminder_history.router,
    reminder_mail.router,
    reminder_templates.router,
    reminders.router,
    roster.router,
    search.router,
    statements.router,
)


class SqueezedPages:
    """ASGI: gzip for pages and their assets; the doors do as they did, and live streams are not held back."""

    def __init__(self, app: ASGIApp):
        self.app = app
        self.squeezed = GZipMiddleware(app, minimum_size=1_000, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        path = scope.get("path", "")
        is_page = path.startswith("/ui") and path != "/ui/live"
        await (self.squeezed if is_page else self.app)(scope, receive, send)


def install_pages(app: FastAPI) -> None:
    """Serve the pages under /ui."""
    for router in ROUTERS:
        app.include_router(router)
    app.router.routes.append(Route(PREFIX + "/{hash}/{name}", get_asset, name="asset"))
    app.add_middleware(ErrorPages)
    app.add_middleware(SqueezedPages)
