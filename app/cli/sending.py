"""How `load` and `demo` talk to the server: connections, credentials, patience, requests at once.

Sending again is always safe here: every statement carries its id, so a server that did store what
it could not confirm answers an equal repeat with quiet success. That is why a lost connection is
retried like a 503.
"""

import json
import random
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httpx

from app.config import Settings
from app.errors import AppError, Problem
from app.platform.keys import one_line

DEFAULT_PATIENCE_SECONDS = 300.0
REQUEST_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.25
FIRST_BACKOFF_SECONDS, LAST_BACKOFF_SECONDS = 0.2, 10.0

_COME_BACK_LATER = frozenset({429, 502, 503, 504})
_NOT_LET_IN = frozenset({401, 403})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Item = TypeVar("Item")
Result = TypeVar("Result")


class CannotRun(AppError):
    """The command cannot start or go on. The message tells a person at a terminal what to do."""

    code = "cannot_run"
    title = "The command cannot run"


class Interrupted(Exception):
    """The run is being ended; a request that was waiting for its next try gives up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said to statements. refused: places in the array that was sent."""

    status: int
    code: str = ""
    title: str = ""
    problems: tuple[Problem, ...] = ()
    refused: tuple[int, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether every statement that was sent is the server's now."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Pipeline:
    """How much waits to be loaded, is stored, was buried: the server's own count."""

    waiting: int
    raw_statements: int
    dead_letters: int


class Server:
    """One server, as a sender sees it, for use in a `with`. Several threads may share it."""

    def __init__(
        self,
        base_url: str,
        *,
        user: str,
        password: str,
        admin_token: str | None = None,
        version: str | None = "1.0.3",
        connections: int = 4,
        patience_seconds: float = DEFAULT_PATIENCE_SECONDS,
    ):
        """patience_seconds: how long to try again after a failure. CannotRun for a bad URL."""
        self.base_url = base_url.rstrip("/")
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise CannotRun(f"{base_url!r} is no address; it should look like http://127.0.0.1:8000")
        self.patience_seconds = patience_seconds
        self.stopping = threading.Event()
        self._basic = httpx.BasicAuth(user, password)
        self._admin_token = admin_token
        self._version = {"X-Experience-API-Version": version} if version else {}
        self._client = httpx.Client(
            timeout=REQUEST_TIMEOUT_SECONDS,
            limits=httpx.Limits(max_connections=connections + 1, max_keepalive_connections=connections),
            # A proxy from the environment cannot reach the loopback address of this machine.
            trust_env=parts.hostname not in _LOOPBACK,
        )

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def check_reachable(self) -> int:
        """The status of /health. CannotRun at once, without patience, when nobody answers."""
        try:
            return self._client.get(f"{self.base_url}/health").status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            hint = "Start it with `make run` in another terminal."
            raise CannotRun(f"Nobody answers at {self.base_url} ({_say(error)}). {hint}") from error

    def post_statements(self, statements: Sequence[bytes]) -> Answer:
        """Send a batch, which the server takes or refuses whole. CannotRun if we are not let in."""
        body = b"[" + b",".join(statements) + b"]"
        return self._send_statements("POST", "/xapi/statements", body)

    def put_statement(self, statement_id: str, body: bytes) -> Answer:
        """Send one statement the way 7taps does. CannotRun if we are not let in."""
        return self._send_statements("PUT", f"/api/xapi/statements?statementId={quote(statement_id)}", body)

    def put_cohort(self, slug: str, cohort: Mapping[str, Any]) -> dict[str, Any]:
        """Make the cohort be so; the answer carries its `id`. CannotRun if it is refused."""
        return self._administer("PUT", f"/api/cohorts/{quote(slug)}", json.dumps(cohort).encode())

    def completions(self, cohort_id: str) -> dict[str, Any]:
        """The completion report of a cohort. CannotRun if it cannot be had."""
        return self._administer("GET", f"/api/reports/cohorts/{quote(cohort_id)}/completions")

    def pipeline(self, *, exact: bool = False) -> Pipeline:
        """The server's count of what waits and is stored, estimated if large. CannotRun if it does not tell us."""
        counts = self._administer("GET", "/api/debug/pipeline" + ("?exact=true" if exact else ""))
        try:
            waiting = max(int(counts["stream_length"]), int(counts.get("pending") or 0))
            return Pipeline(waiting, int(counts["raw_statements"]), int(counts.get("dead_letters") or 0))
        except (KeyError, TypeError, ValueError) as error:
            raise CannotRun(f"{self.base_url}/api/debug/pipeline answered without its counts.") from error

    def wait_until_loaded(self) -> Pipeline | None:
        """Wait until nothing is queued, then count; None once the queue got no shorter for patience_seconds."""
        shortest, give_up_at = -1, 0.0
        while (pipeline := self.pipeline()).waiting:
            if shortest < 0 or pipeline.waiting < shortest:
                shortest, give_up_at = pipeline.waiting, monotonic() + self.patience_seconds
            elif monotonic() >= give_up_at:
                return None
            self._pause(POLL_SECONDS)
        return self.pipeline(exact=True)

    def _send_statements(self, method: str, target: str, body: bytes) -> Answer:
        headers = {"Content-Type": "application/json", **self._version}
        response = self._request(method, target, body, headers, auth=self._basic)
        if response.status_code in _NOT_LET_IN:
            raise CannotRun(
                f"{self.base_url} does not let these credentials in ({response.status_code}). "
                "Give --user and --password, or set PUBLIC_PEM and SECRET_PEM."
            )
        answer = _answer(response)
        if answer.accepted or (answer.status in (400, 409, 413, 422) and answer.code != "bad_request"):
            return answer
        # Not about a statement but about every request we make, so going on would only repeat it.
        raise self._unexpected(method, target, answer)

    def _administer(self, method: str, target: str, body: bytes | None = None) -> dict[str, Any]:
        if not self._admin_token:
            raise CannotRun("ADMIN_TOKEN is not set; this needs it.")
        headers = {"Authorization": f"Bearer {self._admin_token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        response = self._request(method, target, body, headers)
        if response.status_code in _NOT_LET_IN:
            raise CannotRun(f"{self.base_url} does not let this ADMIN_TOKEN in ({response.status_code}).")
        answered = _json_object(response)
        if not response.is_success or not answered:
            raise self._unexpected(method, target, _answer(response))
        return answered

    def _unexpected(self, method: str, target: str, answer: Answer) -> CannotRun:
        told = "; ".join(problem.sentence() for problem in answer.problems) or answer.title
        where = f"{method} {self.base_url}{target}"
        return CannotRun(f"{where} answered {answer.status}: {told or 'no reason given'}")

    def _request(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        auth: httpx.Auth | None = None,
    ) -> httpx.Response:
        """Ask until the answer is anything but "come back later". Interrupted, CannotRun."""
        give_up_at: float | None = None
        backoff = FIRST_BACKOFF_SECONDS
        while True:
            if self.stopping.is_set():
                raise Interrupted
            asked: float | None = None
            try:
                response = self._client.request(
                    method, self.base_url + target, content=body, headers=headers, auth=auth
                )
            except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, UnicodeError) as error:
                raise CannotRun(f"This request cannot be made: {_say(error)}") from error
            except httpx.TransportError as error:
                failure = _say(error)
            else:
                if response.status_code not in _COME_BACK_LATER:
                    return response
                failure, asked = f"answered {response.status_code}", _retry_after_seconds(response)
            now = monotonic()
            give_up_at = give_up_at or now + self.patience_seconds
            # Without the random part, all connections would come back in the same moment.
            pause = asked if asked is not None else backoff * random.uniform(0.5, 1.5)  # noqa: S311
            if now + pause > give_up_at:
                patience = f"longer than {self.patience_seconds:g} s of patience"
                raise CannotRun(f"{self.base_url}: {failure}, for {patience}.")
            self._pause(max(pause, 0.01))
            backoff = min(backoff * 2, LAST_BACKOFF_SECONDS)

    def _pause(self, seconds: float) -> None:
        if self.stopping.wait(seconds):
            raise Interrupted


def send_all(
    items: Iterable[Item],
    send: Callable[[Item], Result],
    count: Callable[[Result], None],
    *,
    server: Server,
    in_flight: int,
) -> None:
    """Send every item, `in_flight` at a time, and count each result on the calling thread.

    Reads ahead by at most `in_flight` items, so memory stays bounded. On Ctrl-C, and when an
    item fails for good, what is under way is finished and counted before the exception goes on.
    """
    running: set[Future[Result]] = set()
    with ThreadPoolExecutor(in_flight, thread_name_prefix="send") as pool:
        try:
            for item in items:
                running.add(pool.submit(send, item))
                if len(running) >= in_flight * 2:
                    _count_finished(running, count)
            while running:
                _count_finished(running, count)
        except BaseException:  # Ctrl-C above all: without this the pool would send all that it was given, uncounted
            server.stopping.set()
            for future in running:
                future.cancel()
            for future in wait(running).done:
                if not future.cancelled() and future.exception() is None:
                    count(future.result())
            raise


def credentials(settings: Settings, user: str | None, password: str | None) -> tuple[str, str]:
    """User name and password: as given, else PUBLIC_PEM and SECRET_PEM. CannotRun without any."""
    return (
        _credential(user, settings.public_pem, "PUBLIC_PEM", "--user"),
        _credential(password, settings.secret_pem, "SECRET_PEM", "--password"),
    )


def _credential(given: str | None, setting: str | None, name: str, option: str) -> str:
    if given is not None and "-----BEGIN" not in given and not (len(given) < 1_024 and Path(given).is_file()):
        return given  # A plain user name or password: not ours to reshape.
    text = given if given is not None else setting
    if text is None:
        raise CannotRun("There are no credentials. " f"Start the server with `make run`, set {name}, or give {option}.")
    try:
        return one_line(text)
    except ValueError as error:
        raise CannotRun(f"{option if given is not None else name} {error}.") from error


def _count_finished(running: set[Future[Result]], count: Callable[[Result], None]) -> None:
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        result = future.result()
        running.discard(future)  # Only now: one that failed stays, so that its neighbours are counted.
        count(result)


def _answer(response: httpx.Response) -> Answer:
    if response.is_success:
        return Answer(response.status_code)
    told = _json_object(response)
    problems, refused = told.get("problems"), told.get("refused")
    return Answer(
        status=response.status_code,
        code=str(told.get("code") or ""),
        title=str(told.get("detail") or told.get("title") or ""),
        problems=tuple(
            Problem(
                str(one.get("path") or "$"),
                str(one.get("message") or ""),
                str(one.get("expected") or ""),
            )
            for one in (problems if isinstance(problems, list) else ())
            if isinstance(one, dict)
        ),
        refused=tuple(
            one for one in (refused if isinstance(refused, list) else ()) if isinstance(one, int) and one >= 0
        ),
    )


def _json_object(response: httpx.Response) -> dict[str, Any]:
    try:
        value = response.json()
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _retry_after_seconds(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (when.astimezone(UTC) - datetime.now(UTC)).total_seconds())


def _say(error: Exception) -> str:
    return str(error) or type(error).__name__
