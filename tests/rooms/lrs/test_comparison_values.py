"""When two values say the same: durations, moments, numbers (xAPI 1.0.3 Data 2.3.1, 4.6)."""

import orjson
import pytest

from tests.rooms.lrs.comparing import Place, everywhere, rich, same


@everywhere
@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("PT1.234S", "PT1.239S", True),
        ("PT1.23S", "PT1.23999999999S", True),
        ("PT1.239S", "PT1.24S", False),  # cut off, not rounded
        ("PT1.23S", "PT1.24S", False),
        ("PT0,129S", "PT0,12S", True),
        ("PT1S", "PT1.009S", True),
        ("PT10S", "PT10.00S", True),
        ("PT10S", "PT1S", False),
        ("P3Y1M29DT4H35M59.14S", "P3Y1M29DT4H35M59.147S", True),
        ("P3Y1M29DT4H35M59.14S", "P3Y1M28DT4H35M59.14S", False),
        ("PT60S", "PT1M", False),
        ("PT0.5H", "PT30M", False),
        ("PT1.234M", "PT1.235M", False),  # hundredths of a second, not of a minute
        ("P4W", "P28D", False),
    ],
)
def test_durations_are_text_up_to_hundredths_of_a_second(place: Place, one: str, other: str, equal: bool) -> None:
    """Data 2.3.1, what is no exception, and 4.6: precision beyond 0.01 seconds is not compared."""
    assert same(place(rich(result__duration=one)), place(rich(result__duration=other))) is equal


def test_a_long_duration_costs_no_more_than_its_length() -> None:
    """Data 4.6. Were it the square of it, this would take hours."""
    long = "PT1." + "1" * 1_000_000
    assert not same(rich(result__duration=f"{long}M"), rich(result__duration=f"{long}H"))
    assert same(rich(result__duration=f"{long}S"), rich(result__duration="PT1.11S"))


@everywhere
@pytest.mark.parametrize(
    "other",
    [
        "2026-03-02T08:00:00Z",
        "2026-03-02T08:00:00.000Z",
        "2026-03-02T08:00:00.000000000Z",
        "2026-03-02T08:00:00+00:00",
        "2026-03-02T09:00:00+01:00",
        "2026-03-02T09:00:00+0100",
        "2026-03-02T09:00+01",
        "2026-03-01T22:30:00-09:30",
        "2026-03-02t08:00:00z",
        "20260302T080000Z",
        "2026-03-02T08:00:00",
    ],
)
def test_one_moment_in_many_spellings(place: Place, other: str) -> None:
    """Data 2.3.1, serialization of timestamps, and 4.5; without an offset it is UTC."""
    assert same(place(rich(timestamp="2026-03-02T08:00:00Z")), place(rich(timestamp=other)))


@everywhere
@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("2026-03-02T24:00:00Z", "2026-03-03T00:00:00Z", True),
        ("2026-12-31T23:59:60Z", "2027-01-01T00:00:00Z", True),
        ("2026-03-02T08:00:00.5Z", "2026-03-02T08:00:00,500Z", True),
        ("2026-03-02T08:00:00Z", "2026-03-02T08:00:00+01:00", False),
        ("2026-03-02T08:00:00Z", "2026-03-02T08:00:00.001Z", False),
        ("2026-03-02T08:00:00.123456Z", "2026-03-02T08:00:00.1234561Z", False),
        ("2026-03-02T08:00:00.1234567Z", "2026-03-02T09:00:00.12345670+01:00", True),
        ("2026-03-02T08:00:00.1234567", "2026-03-02T08:00:00.1234568", False),
        ("20260302T080000.1234567Z", "2026-03-02T08:00:00.1234567", True),
    ],
)
def test_a_timestamp_is_the_moment_it_names(place: Place, one: str, other: str, equal: bool) -> None:
    """Data 2.3.1: another spelling is no difference as long as the point in time is the same, to the last digit."""
    assert same(place(rich(timestamp=one)), place(rich(timestamp=other))) is equal


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (b"1", b"1.0", True),
        (b"100", b"1E2", True),
        (b"0", b"-0.0", True),
        (b"0.1", b"0.10", True),
        (b"1e19", b"10000000000000000000", True),
        (b"1e30", b"1000000000000000000000000000000", True),
        (b"-9223372036854775808", b"-9.223372036854775808e18", True),
        (b"9007199254740993", b"9007199254740992", False),
        (b"18446744073709551615", b"1.8446744073709552e19", False),
        (b"0.1", b"0.10000000000000002", False),
        (b"1", b"true", False),
        (b"0", b"null", False),
    ],
)
def test_numbers_are_values(one: bytes, other: bytes, equal: bool) -> None:
    """Data 2.2: JSON knows numbers, not spellings of them."""
    left, right = (rich(result__extensions={"x:y": {"a": [orjson.loads(text)]}}) for text in (one, other))
    assert same(left, right) is equal
