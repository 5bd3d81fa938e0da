"""The API process: `uvicorn app.main:create_app --factory`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from fastapi.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from app import __version__
from app.access.headers import PageHeaders
from app.access.limits import Counters
from app.api import (
    access,
    cohorts,
    dead_letters,
    debug,
    debug_progress,
    debug_query,
    debug_statements,
    keys,
    learners,
    lessons,
    loader,
    orchestrator,
    reminders,
    reporting,
    roster,
    signup,
    unsubscribe,
    xapi,
    xapi_catalog,
    xapi_documents,
    xapi_statements,
)
from app.api.description import install_description
from app.api.durable import KnownIds
from app.api.health import install_health, watching
from app.api.lane import ShortWay
from app.api.openapi import install_openapi
from app.api.problems import install_problems
from app.api.redirects import RelativeRedirects
from app.api.refusals import counting_refusals
from app.api.signup_limit import SignupLimit
from app.api.xapi_consistency import Consistency
from app.api.xapi_protocol import install_protocol
from app.charts import drawing
from app.config import get_settings
from app.contracts.code import running_code
from app.lrs.statements import Refused
from app.platform import telemetry
from app.platform.logs import configure_logs
from app.platform.pace import settle_down
from app.platform.redis import async_redis_client
from app.publishing import Publisher
from app.security import CredentialCheck
from app.ui.install import install_pages
from app.ui.live_reader import live_pages
from app.ui.proxying import tools_behind

DESCRIPTION = """
Learning analytics for 7taps: statements in, answers and reminders out.

Senders authenticate with **HTTP Basic**: the public key on one line as user name, the secret key on one line as
password. Everybody else sends **Authorization: Bearer** with ADMIN_TOKEN or a token that carries the scope, or comes
with the session of a login. Every error has one shape, `application/problem+json`.
"""


class Application(FastAPI):
    """The doors, with a short way around everything for statements that there is nothing to say about."""

    short_way: ASGIApp | None = None
    traced: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if self.short_way is None:
            # Where spans are wanted, the framework begins them first, and the short way is the first layer inside.
            long_way = counting_refusals(RelativeRedirects(PageHeaders(super().__call__, self.state.settings)))
            self.short_way = long_way if self.traced else ShortWay(long_way, self.state)
        await self.short_way(scope, receive, send)


def create_app() -> FastAPI:
    """Wire the doors together. Stops with the name of a setting that is missing or wrong."""
    settings = get_settings()
    configure_logs(settings.log_level, settings.log_format, "api")
    _ = settings.sqlalchemy_url

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        client = async_redis_client(settings.required_redis_url)
        app.state.publisher = Publisher(
            client, settings.stream_name, settings.stream_max_entries, settings.stream_max_memory_mib
        )
        app.state.credential_check = CredentialCheck(settings.public_pem, settings.credential_cache_seconds)
        app.state.last_spoken = {}
        app.state.known_ids = KnownIds(settings)
        app.state.signup_limit = SignupLimit(settings.required_redis_url, settings.signup_max_per_address_per_hour)
        app.state.counters = Counters(settings.required_redis_url)
        app.state.consistency = Consistency(app.state.publisher)
        settle_down()
        drawing.warm_up()
        async with watching(app, settings), live_pages(app, settings), tools_behind(app, settings):
            yield
        app.state.counters.close()
        app.state.signup_limit.close()
        app.state.known_ids.close()
        await app.state.publisher.close()
        telemetry.stop_telemetry()

    tracer = telemetry.start_telemetry(settings, "api")
    app = Application(
        docs_url=None,
        redoc_url=None,
        title="7taps Analytics",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        swagger_ui_parameters={"docExpansion": "list", "defaultModelsExpandDepth": -1},
        telemetry=telemetry.of_the_doors(tracer),
    )
    app.state.settings = settings
    app.state.code = running_code()
    # Pages and the JSON doors replay dead letters in the same way, and neither knows the other.
    app.state.replayer = partial(dead_letters.replayer_of, app.state)
    install_description(app)
    install_openapi(app)
    install_problems(app)
    app.exception_handler(Refused)(xapi.refused_response)
    install_protocol(app, settings)
    install_health(app, settings)
    if tracer is not None:
        app.traced = True
        app.add_middleware(ShortWay, state=app.state)
    for router in (
        xapi.standard,
        xapi_statements.router,
        xapi_catalog.router,
        xapi_documents.router,
        xapi.plain,
        reporting.router,
        cohorts.router,
        signup.router,
        lessons.router,
        learners.router,
        roster.router,
        debug.router,
        debug_query.router,
        debug_statements.router,
        debug_progress.router,
        orchestrator.router,
        dead_letters.router,
        loader.router,
        reminders.router,
        unsubscribe.router,
        access.router,
        keys.router,
    ):
        app.include_router(router)
    install_pages(app)

    @app.get("/", include_in_schema=False)
    def get_start() -> RedirectResponse:
        """Where people begin."""
        return RedirectResponse("/ui")

    return app
