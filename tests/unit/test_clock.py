"""Time zones by name: what is one, and that nobody reads the disk for each name."""

import pytest
from pydantic import TypeAdapter, ValidationError

from app.platform import clock
from app.schemas import TimeZone


@pytest.mark.parametrize(
    "name", [None, "", "Nowhere/Land", "../../etc/passwd", "/etc/passwd", "a\0b", "europe/berlin "]
)
def test_what_is_no_time_zone_is_none(name: str | None) -> None:
    assert clock.zone_of(name) is None


def test_a_time_zone_by_its_name() -> None:
    found = clock.zone_of("Asia/Kathmandu")
    assert found is not None
    assert found.key == "Asia/Kathmandu"


def test_names_are_read_from_the_disk_once(monkeypatch: pytest.MonkeyPatch) -> None:
    names = clock.time_zones()
    monkeypatch.setattr(clock, "available_timezones", lambda: pytest.fail("the disk is read again"))
    with pytest.raises(ValidationError, match="no IANA time zone"):
        TypeAdapter(TimeZone).validate_python("Nowhere/Land")
    assert clock.time_zones() is names
