"""The door that the commands are tried against."""

from collections.abc import Iterator

import pytest

from tests.rooms.cli.door import Door, open_door


@pytest.fixture
def door() -> Iterator[Door]:
    """A fresh door for each test."""
    with open_door() as opened:
        yield opened
