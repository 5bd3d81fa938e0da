"""Choosing, remembering and checking TCP ports."""

import errno
import os
import random
import socket
from pathlib import Path

from app.stack.problems import StackError

LOOPBACK = "127.0.0.1"

_LOWEST, _HIGHEST = 17_000, 31_999
"""Below every usual range for outgoing connections, so that none of those can take the port between two starts."""


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen on host:port now. Raises StackError when nobody ever could, saying why."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[
            0
        ]
        with socket.socket(family, kind) as probe:
            # Servers set this as well: a port whose last connections are still closing counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except socket.gaierror as error:
        raise StackError(f"HOST={host} is no address: {error.strerror}.") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise StackError(f"Cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}.") from error
    # Some systems let a second socket bind beside a listener on the wildcard address; asking is certain.
    try:
        with socket.create_connection((reachable(host), port), timeout=0.5):
            return False
    except OSError:
        return True


def reachable(host: str) -> str:
    """The address under which this machine reaches a server that listens on `host`."""
    return {"0.0.0.0": LOOPBACK, "::": "::1", "": LOOPBACK}.get(host, host)


def remembered_port(path: Path) -> int:
    """The port of the last run when it is free, else a new free one; written to `path` for the next run."""
    try:
        last = int(path.read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        last = 0
    if _LOWEST <= last <= _HIGHEST and is_free(last):
        return last
    for _ in range(200):
        port = random.randint(_LOWEST, _HIGHEST)  # noqa: S311 - a port number is no secret
        if is_free(port):
            path.write_text(f"{port}\n", encoding="ascii")
            return port
    raise StackError(f"No free port between {_LOWEST} and {_HIGHEST} on {LOOPBACK}.")
