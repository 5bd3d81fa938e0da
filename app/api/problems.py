"""The one shape of every error at the JSON doors: application/problem+json (RFC 9457)."""

import re
from typing import Any

import orjson
import redis
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse

from app.access.callers import LogInFirst
from app.errors import AppError, BadRequest, NotAuthenticated, Unavailable, problem_of
from app.platform.logs import get_logger
from app.schemas import ErrorRead

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorRead, "description": description}
    for status, description in {
        400: "What was sent is not right; `problems` says where and what would be.",
        401: "Credentials are missing or not right.",
        403: "The credentials do not carry the scope.",
        404: "There is nothing here.",
        409: "The id stands for a different statement already.",
        413: "The body is too large.",
        415: "The body's Content-Encoding or Content-Type is not understood.",
        429: "Too many of these from this address; again after Retry-After seconds.",
        503: "Nothing can be made durable right now; send again after Retry-After seconds.",
    }.items()
}


def errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses with their description, for the `responses` of a route."""
    return {status: ERRORS[status] for status in statuses}


def problem_response(error: AppError, **extra: Any) -> Response:
    """The answer that tells an error. extra: members that only this kind of error has."""
    body: dict[str, Any] = {
        "type": f"urn:7taps-analytics:error:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.message,
        "code": error.code,
        "request_id": structlog.contextvars.get_contextvars().get("request_id", ""),
        "problems": [
            {"path": problem.path, "message": problem.message, "expected": problem.expected}
            for problem in error.problems
        ],
    }
    if refused := getattr(error, "refused", None):
        body["refused"] = list(refused)
    body.update({key: value for key, value in extra.items() if value is not None})
    headers = {}
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = error.challenge
    if (seconds := getattr(error, "retry_after_seconds", None)) is not None:
        headers["Retry-After"] = str(seconds)
    return Response(_dumps(body), error.status, headers, MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Let every error of the application answer in this shape, unexpected ones included."""

    @app.exception_handler(AppError)
    async def _app_error(request: Request, error: AppError) -> Response:
        if isinstance(error, LogInFirst):
            return RedirectResponse(error.location, 303)
        response = problem_response(error, kept=getattr(request.state, "kept", None))
        response.headers.update(getattr(request.state, "reply_headers", {}))
        return response

    @app.exception_handler(RequestValidationError)
    async def _wrong_input(_request: Request, error: RequestValidationError) -> Response:
        problems = [problem_of(item, _path(tuple(item["loc"]))) for item in error.errors()]
        first = problems[0]
        told = f"{first.path} {first.message}" if first.expected else f"{first.path}: {first.message}"
        return problem_response(BadRequest(told + (f" Expected: {first.expected}" if first.expected else ""), problems))

    @app.exception_handler(HTTPException)
    async def _http_error(_request: Request, error: HTTPException) -> Response:
        told = AppError(str(error.detail))
        told.status, told.title = error.status_code, str(error.detail)
        told.code = re.sub(r"\W+", "_", str(error.detail).lower()) or "http"
        response = problem_response(told)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(OperationalError)
    @app.exception_handler(PoolTimeout)
    async def _store_away(_request: Request, error: Exception) -> Response:
        log.warning("the database does not answer", error=str(error)[:300])
        return problem_response(Unavailable("The database does not answer right now."))

    @app.exception_handler(redis.ConnectionError)
    @app.exception_handler(redis.TimeoutError)
    async def _stream_away(_request: Request, error: Exception) -> Response:
        log.warning("Redis does not answer", error=str(error)[:300])
        return problem_response(Unavailable("Redis does not answer right now."))

    @app.exception_handler(Exception)
    async def _unexpected(_request: Request, error: Exception) -> Response:
        log.error("unexpected error", exc_info=error)
        return problem_response(AppError("Something went wrong on our side; the log has it under this request id."))


def _path(location: tuple[int | str, ...]) -> str:
    """Pydantic's place of an error as a property path: ('body', 'lessons', 0, 'due_on') -> lessons[0].due_on."""
    source, *rest = location
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in rest).lstrip(".")
    return {"query": f"?{path}", "header": path, "path": f"/{path}"}.get(str(source), path or "$")


def _dumps(body: dict[str, Any]) -> bytes:
    """As JSON; a lone surrogate that somebody sent in a name must not turn their 400 into a 500."""
    try:
        return orjson.dumps(body)
    except TypeError:
        import json  # noqa: PLC0415  (only on this rare path)

        return json.dumps(body, default=str).encode()
