"""Fixtures of tests through whole processes and real servers."""

from collections.abc import Iterator

import pytest

from app.config import get_settings
from tests.flow.post_office import PostOffice


@pytest.fixture
def office(clean: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostOffice]:
    """A mail server, and settings that use it."""
    post = PostOffice().open()
    monkeypatch.setenv("SMTP_URL", post.url)
    monkeypatch.setenv("MAIL_FROM", "Spring course <course@school.example>")
    monkeypatch.setenv("SMTP_TIMEOUT_SECONDS", "10")
    monkeypatch.setenv("PUBLIC_URL", "https://analytics.example.org")
    get_settings.cache_clear()
    yield post
    post.close()
    monkeypatch.undo()
    get_settings.cache_clear()
