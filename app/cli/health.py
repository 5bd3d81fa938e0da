"""`python -m app.cli.health api|worker|scheduler`: whether the process of this container is well. For HEALTHCHECK.

Run as a module of its own, because it runs every few seconds and `python -m app` loads everything there is.
"""

import http.client
import os
import sys
from collections.abc import Callable, Mapping

ANSWER_SECONDS = 3


def api() -> str | None:
    """Whether the API answers /health, which looks at no store; None when it does, else what is wrong."""
    connection = http.client.HTTPConnection("127.0.0.1", int(os.environ.get("PORT", "8000")), timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"no answer: {error}"
    finally:
        connection.close()
    return None if status == http.HTTPStatus.OK else f"/health answers {status}"


def _running(words: tuple[str, ...]) -> str | None:
    """Whether a process here has all the words in its command line, and the Redis that it lives on answers."""
    import psutil  # type: ignore[import-untyped]  # noqa: PLC0415  (the API's check needs none of this)
    import redis  # noqa: PLC0415

    own = os.getpid()
    lines = [
        (one.pid, one.info["cmdline"] or (), one.info["status"]) for one in psutil.process_iter(["cmdline", "status"])
    ]
    alive = any(
        pid != own and status != psutil.STATUS_ZOMBIE and all(any(word in part for part in line) for word in words)
        for pid, line, status in lines
    )
    if not alive:
        return f"no process runs {' '.join(words)}"
    try:
        with redis.Redis.from_url(
            os.environ["REDIS_URL"], socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
        ) as client:
            client.ping()
    except redis.RedisError as error:
        return f"Redis does not answer: {error}"
    return None


def worker() -> str | None:
    """Whether Dramatiq runs and reaches Redis."""
    return _running(("dramatiq", "app.worker"))


def scheduler() -> str | None:
    """Whether periodiq runs and reaches Redis."""
    return _running(("periodiq", "app.worker"))


KINDS: Mapping[str, Callable[[], str | None]] = {"api": api, "worker": worker, "scheduler": scheduler}


def main(arguments: list[str]) -> int:
    """0 when it is well, 1 when not, 2 for a wrong name."""
    kind = KINDS.get(arguments[0]) if len(arguments) == 1 else None
    if kind is None:
        print(f"say one of: {', '.join(KINDS)}", file=sys.stderr)
        return 2
    wrong = kind()
    print(wrong or "well")
    return 0 if wrong is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
