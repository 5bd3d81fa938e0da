"""A cable between us and a store, that can be pulled out and put back: to the application the store is away."""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit


class Cable:
    """Passes bytes on between a port of its own and a store. Pulled out, connections break and none are taken."""

    def __init__(self, url: str):
        parts = urlsplit(url)
        self._store = (str(parts.hostname), int(parts.port or 0))
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = int(probe.getsockname()[1])
        login = parts.netloc.rpartition("@")[0]
        self.url = urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{self._port}"))
        """The store's address by way of this cable."""
        self._listener: socket.socket | None = None
        self.put_back()

    def put_back(self) -> None:
        """From now on the store is there."""
        self._listener = socket.create_server(("127.0.0.1", self._port), backlog=64)
        threading.Thread(target=self._take, args=(self._listener,), daemon=True).start()

    def pull_out(self) -> None:
        """From now on the store is away."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _take(self, listener: socket.socket) -> None:
        while True:
            try:
                here, _ = listener.accept()
                there = socket.create_connection(self._store)
            except OSError:
                return
            with self._lock:
                self._open |= {here, there}
            threading.Thread(target=self._pass_on, args=(here, there), daemon=True).start()
            if self._listener is not listener:  # Pulled out between the two lines above.
                self.pull_out()

    def _pass_on(self, here: socket.socket, there: socket.socket) -> None:
        other = {here: there, there: here}
        with contextlib.suppress(OSError, ValueError):
            while True:
                for one in select.select([here, there], [], [])[0]:
                    if not (data := one.recv(65_536)):
                        raise OSError
                    other[one].sendall(data)
        with self._lock:
            self._open -= {here, there}
        here.close()
        there.close()


@contextmanager
def cable_to(url: str) -> Iterator[Cable]:
    """A cable to a store, for the length of the block."""
    made = Cable(url)
    try:
        yield made
    finally:
        made.pull_out()
