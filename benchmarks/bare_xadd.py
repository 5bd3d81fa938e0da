"""The limit that Redis sets: bare XADD of the same bytes by as many connections, each waiting for its fsync."""

import itertools
import selectors
import socket
import time
from urllib.parse import unquote, urlsplit

from redis.connection import Connection

from app.streaming import StreamEntry
from benchmarks.servers import Bench

STREAM = "bench-bare"


def per_second(bench: Bench, entries: list[StreamEntry], *, seconds: float, connections: int = 16) -> float:
    """XADDs per second. The commands are written beforehand; an answer is read, and the next one is sent."""
    commands = [_command(entry) for entry in entries]
    following = itertools.cycle(commands)
    selector = selectors.DefaultSelector()
    opened = [_connect(bench.redis_url) for _ in range(connections)]
    try:
        for connection in opened:
            selector.register(connection, selectors.EVENT_READ)
            connection.sendall(next(following))
        done = 0
        started = time.perf_counter()
        while (taken := time.perf_counter() - started) < seconds:
            for key, _ in selector.select():
                ready = key.fileobj
                assert isinstance(ready, socket.socket)
                if not ready.recv(4096).startswith(b"$"):
                    raise RuntimeError("Redis does not take entries")
                done += 1
                ready.sendall(next(following))
        return done / taken
    finally:
        for connection in opened:
            connection.close()


def _command(entry: StreamEntry) -> bytes:
    parts = [part for pair in entry.fields().items() for part in pair]
    return _packed("XADD", STREAM, "*", *parts)


def _connect(url: str) -> socket.socket:
    place = urlsplit(url)
    connection = socket.create_connection((place.hostname or "127.0.0.1", place.port or 6379))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if place.password:
        user = [unquote(place.username)] if place.username else []
        connection.sendall(_packed("AUTH", *user, unquote(place.password)))
        if not connection.recv(100).startswith(b"+OK"):
            raise RuntimeError("Redis does not know us")
    return connection


def _packed(*parts: str | bytes) -> bytes:
    return b"".join(Connection().pack_command(*parts))  # type: ignore[no-untyped-call]
