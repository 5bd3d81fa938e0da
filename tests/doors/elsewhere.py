"""The API with other settings than those of the tests."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from fastapi.testclient import TestClient

from app.config import get_settings
from app.database import forget_engine
from tests.conftest import Doors


@contextmanager
def elsewhere(monkeypatch: pytest.MonkeyPatch, **settings: str) -> Iterator[Doors]:
    """The API with other settings, in this process."""
    from app.main import create_app

    with monkeypatch.context() as patch:
        for key, value in settings.items():
            patch.setenv(key, value)
        get_settings.cache_clear()
        forget_engine()
        try:
            with TestClient(create_app(), raise_server_exceptions=False) as client:
                yield Doors(
                    client,
                    (os.environ["PUBLIC_PEM"], os.environ["SECRET_PEM"]),
                    {"Authorization": f"Bearer {os.environ['ADMIN_TOKEN']}"},
                )
        finally:
            forget_engine()
    get_settings.cache_clear()
