"""The door for people: POST /api/signup, as JSON, as a plain HTML form, or relayed by a server of yours."""

from typing import Any
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.concurrency import run_in_threadpool

from app.access.addresses import client_address
from app.access.callers import BEARER, bearer_of, require
from app.accounts.credentials import WRITE_STATEMENTS
from app.accounts.signup import sign_up, told
from app.api.problems import errors
from app.api.requests import read_body
from app.api.signup_limit import SignupLimit
from app.api.signup_pages import describe, refusal_page, thanks_page
from app.config import Settings
from app.database import session_scope
from app.errors import AppError, BadRequest, NotAuthenticated, Problem, Unavailable, Unsupported, problem_of
from app.platform.logs import get_logger
from app.schemas import SignupRequest, UserRead
from app.security import CredentialCheck, require_scope

log = get_logger(__name__)

MAX_BODY_BYTES = 16 * 2**10
MAX_FORM_FIELDS = 50
FORM = "application/x-www-form-urlencoded"
_SCHEMA = {"$ref": "#/components/schemas/SignupRequest"}
_HTML: dict[str, Any] = {"content": {"text/html": {"schema": {"type": "string"}}}}
_REFUSALS = {status: said | _HTML for status, said in errors(400, 401, 403, 413, 415, 429, 503).items()}

router = APIRouter(tags=["Sign-up"])


@router.post(
    "/api/signup",
    response_model=UserRead,
    responses={
        200: {"description": "Signed up. A page where a form was posted and no address to go on to is set.", **_HTML},
        303: {"description": "A form was posted: go on to SIGNUP_REDIRECT_URL."},
        **_REFUSALS,
    },
    openapi_extra={
        "security": [{}, {"Sender": []}, {"Admin": []}],
        "requestBody": {
            "required": True,
            "description": "Who signs up. Fields of a form that are not among these are passed over.",
            "content": {"application/json": {"schema": _SCHEMA}, FORM: {"schema": _SCHEMA}},
        },
    },
)
async def post_signup(request: Request) -> Response:
    """Sign up a learner: they are entered, or recognised by e-mail or phone, and join the cohort.

    The answer is the same whether or not they were known. A server that sends credentials (HTTP Basic as for
    statements, ADMIN_TOKEN, or a token with people:write) is not limited per address, and what it says may add to a
    learner who is known.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != FORM:
        return await _answered(request, media)
    try:
        return await _answered(request, media)
    except AppError as error:
        return _for_a_browser(error)
    except (OperationalError, PoolTimeout) as error:
        log.warning("the database does not answer", error=str(error)[:300])
        return _for_a_browser(Unavailable("The sign-up cannot be stored right now. Please try again in a minute."))


async def _answered(request: Request, media: str) -> Response:
    settings: Settings = request.app.state.settings
    trusted = await _is_trusted(request)
    limit: SignupLimit = request.app.state.signup_limit
    address = client_address(request, settings.signup_trusted_proxies)
    if not trusted:
        await run_in_threadpool(limit.count, address)
    body = await read_body(request, MAX_BODY_BYTES)
    wanted = _read(media, body)
    if not wanted.website and not (not trusted and await run_in_threadpool(limit.is_repeat, address, _text(wanted))):
        await run_in_threadpool(_store, wanted, trusted)
        if not trusted:
            await run_in_threadpool(limit.accepted, address, _text(wanted))
    if media == FORM:
        url = settings.signup_redirect_url
        return RedirectResponse(url, 303) if url else thanks_page()
    return Response(told(wanted).model_dump_json(), media_type="application/json")


async def _is_trusted(request: Request) -> bool:
    """Whether a server of ours relays this. Credentials that are not right are refused, not passed over."""
    header = request.headers.get("authorization")
    if not header:
        return False
    if header.partition(" ")[0].lower() == "bearer":
        caller = await bearer_of(request)
        if caller is None:
            raise NotAuthenticated("This token is not in force.", challenge=BEARER)
        require(caller, "people:write")
        return True
    check: CredentialCheck = request.app.state.credential_check
    sender = check.remembered(header)
    if sender is None:
        sender = await run_in_threadpool(check.check, header)
    require_scope(sender, WRITE_STATEMENTS)
    return True


def _store(wanted: SignupRequest, trusted: bool) -> None:
    with session_scope() as db:
        done = sign_up(db, wanted, trusted=trusted)
    log.info("signed up", learner_id=str(done.user_id), new=done.is_new, relayed=trusted)


def _read(media: str, body: bytes) -> SignupRequest:
    """The sign-up in a body. BadRequest names each field that is not right."""
    if media == FORM:
        given: Any = _fields(body)
    elif media == "application/json":
        try:
            given = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise BadRequest("The body is not JSON.", [Problem("$", f"is not JSON: {error.msg}.")]) from None
    else:
        raise Unsupported(f"Send application/json or {FORM}.", [Problem("Content-Type", f"is {media[:80]!r}.")])
    try:
        return SignupRequest.model_validate(given)
    except ValidationError as error:
        problems = [
            problem_of(one, ".".join(map(str, one["loc"])) or "$")
            for one in error.errors(include_url=False, include_input=False)
        ]
        raise BadRequest(describe(problems), problems) from None


def _fields(body: bytes) -> dict[str, str]:
    """The fields of a form that we know and that were filled in."""
    try:
        pairs = parse_qsl(body.decode(), strict_parsing=False, max_num_fields=MAX_FORM_FIELDS, errors="strict")
    except ValueError:
        told_ = f"is not a form in UTF-8 with at most {MAX_FORM_FIELDS} fields."
        raise BadRequest(f"The body {told_}", [Problem("$", told_)]) from None
    return {name: value for name, value in pairs if name in SignupRequest.model_fields and value.strip()}


def _for_a_browser(error: AppError) -> Response:
    page = refusal_page(error)
    if (seconds := getattr(error, "retry_after_seconds", None)) is not None:
        page.headers["Retry-After"] = str(seconds)
    return page


def _text(wanted: SignupRequest) -> str:
    return wanted.model_dump_json()
