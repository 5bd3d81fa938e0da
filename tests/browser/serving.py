"""The API on a port of its own, for a real browser to visit."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which

import pytest
import uvicorn

from app.config import get_settings

CHROMIUM = which("chromium") or which("chromium-browser") or which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_S = 20.0


@contextmanager
def api(**settings: str) -> Iterator[str]:
    """The API, with other settings. Yields its address."""
    from app.main import create_app

    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name.upper(), value)
        get_settings.cache_clear()
        server = uvicorn.Server(uvicorn.Config(create_app(), port=0, log_level="warning", proxy_headers=False))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        give_up = time.monotonic() + PATIENCE_S
        while not server.started:
            assert time.monotonic() < give_up
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        server.should_exit = True
        thread.join(PATIENCE_S)
        assert not thread.is_alive(), "the API does not end: an open stream holds it"
    get_settings.cache_clear()
