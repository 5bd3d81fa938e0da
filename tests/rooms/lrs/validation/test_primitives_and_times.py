"""The formats of single values."""

from datetime import UTC, datetime

import pytest

from app.lrs.validation import (
    Version,
    is_duration,
    is_extensions,
    is_iri,
    is_irl,
    is_language_map,
    is_language_tag,
    is_mbox,
    is_media_type,
    is_number,
    is_sha1sum,
    is_sha2,
    is_statement_version,
    is_timestamp,
    is_uri,
    is_uuid,
    is_version,
    parse_duration_seconds,
    parse_timestamp,
)

NO_STRINGS = [None, True, 0, 1.5, [], {}]


@pytest.mark.parametrize("value", NO_STRINGS)
def test_only_strings_have_a_format(value: object) -> None:
    checks = (is_uuid, is_iri, is_irl, is_uri, is_mbox, is_sha1sum, is_sha2, is_media_type)
    checks += (is_language_tag, is_version, is_timestamp, is_duration)
    assert not any(check(value) for check in checks)
    assert not is_statement_version(value, "1.0")


@pytest.mark.parametrize(
    "text",
    [
        "http://example.com",
        "https://example.com/a?b=c&d[]=e#f",
        "urn:uuid:8f87ccde-bb56-4c2e-ab83-44982ef22df0",
        "uuid://7d4f3c70-1e79-4243-9b7d-166076ce8bfb",
        "course-v1:FUN-MOOC+00002+session01",
        "tag:example.com,2024:a",
        "https://例え.jp/レッスン",
        "https://example.com/100%",
        "https://example.com/" + "a" * 3000,
    ],
)
def test_an_iri_has_a_scheme_and_lawful_characters(text: str) -> None:
    assert is_iri(text)
    assert is_iri(text)  # The second time it is known.


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "/a",
        "//example.com/a",
        "example.com/a",
        "http:",
        "http://",
        "https:///a",
        "1a:b",
        "ab=c://x",
        "a:",
        ":a",
        "a: b",
        "a:b c",
        "a:<b>",
        'a:"',
        "a:{b}",
        "a:b|c",
        "a:\\b",
        "a:^",
        "a:`",
        "a:b\n",
        "a:\x00",
        "a:\x7f",
        "a:\ud800",
        " a:b",
        "ä:b",
        "a b" * 200,
    ],
)
def test_what_has_no_scheme_or_unlawful_characters_is_no_iri(text: str) -> None:
    assert not is_iri(text)
    assert not is_iri(text)


def test_many_different_iris_and_tags_are_still_judged_rightly() -> None:
    for number in range(9000):
        assert is_iri(f"ex:{number}")
        assert is_language_tag(f"x-{number}")
    assert is_iri("ex:0")
    assert not is_iri("ex: 0")
    assert not is_language_tag("e")


def test_a_uri_is_an_iri_in_ascii() -> None:
    assert is_uri("https://example.com/")
    assert not is_uri("https://exämple.com/")


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("mailto:ann@example.com", True),
        ("mailto:ann+tag%20x@localhost", True),
        ("mailto:änn@exämple.com", True),
        ("mailto:ann@[192.0.2.1]", True),
        ("ann@example.com", False),
        ("MAILTO:ann@example.com", False),
        ("mailto:", False),
        ("mailto:ann", False),
        ("mailto:@example.com", False),
        ("mailto:ann@", False),
        ("mailto:ann@b@example.com", False),
        ("mailto:ann @example.com", False),
        ("mailto:ann@example.com\n", False),
        ("mailto:ann@example.com?subject=x", False),
        ("mailto:Ann <ann@example.com>", False),
    ],
)
def test_an_mbox_is_mailto_and_one_address(text: str, right: bool) -> None:
    assert is_mbox(text) is right


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("en", True),
        ("EN-us", True),
        ("cmn", True),
        ("sr-Latn-RS", True),
        ("zh-cmn-Hans-CN", True),
        ("de-CH-1996", True),
        ("es-419", True),
        ("en-a-bbb-x-a-ccc", True),
        ("x-whatever", True),
        ("sgn-BE-FR", True),
        ("art-lojban", True),
        ("", False),
        ("e", False),
        ("en_US", False),
        ("en-", False),
        ("something", False),
        ("a12345", False),
        ("en-something-AU", False),
        ("zh-z-aaa-z-bbb-c-ccc", False),
        ("de-1996-1996", False),
        ("en-a", False),
        ("en\n", False),
        ("én", False),
        ("x-" + "-".join(["a"] * 500), False),
    ],
)
def test_language_tags_follow_rfc_5646(text: str, right: bool) -> None:
    assert is_language_tag(text) is right
    assert is_language_map({text: ""}) is right


def test_language_maps_and_extensions() -> None:
    assert is_language_map({})
    assert is_language_map({"en": "a", "de": "b"})
    assert not is_language_map({"en": 1})
    assert not is_language_map("a")
    assert is_extensions({"ex:a": None})
    assert not is_extensions({"a": None})
    assert not is_extensions([])


def test_hashes_numbers_and_media_types() -> None:
    assert is_sha1sum("a" * 40)
    assert not is_sha1sum("a" * 41)
    assert not is_sha1sum("g" * 40)
    assert [length for length in range(130) if is_sha2("A" * length)] == [56, 64, 96, 128]
    assert is_number(0)
    assert is_number(-0.5)
    assert not is_number(True)
    assert not is_number("1")
    assert is_media_type("application/octet-stream")
    assert is_media_type('text/plain;charset=utf-8; a="b;c"')
    assert not is_media_type("text")
    assert not is_media_type("text/plain; charset")
    assert not is_media_type("text /plain")


@pytest.mark.parametrize(
    ("text", "semver", "in_1_0", "in_2_0"),
    [
        ("1.0", True, True, True),
        ("1.0.0", True, True, True),
        ("1.0.3-rc.1+b", True, True, True),
        ("2.0", True, False, True),
        ("2.0.0", True, False, True),
        ("1.1.0", True, False, False),
        ("0.95", True, False, False),
        ("1.0.", False, False, False),
        ("1.0.x", False, False, False),
        ("1", False, False, False),
        ("01.0.0", False, False, False),
        ("1.0.0\n", False, False, False),
    ],
)
def test_versions(text: str, semver: bool, in_1_0: bool, in_2_0: bool) -> None:
    assert is_version(text) is semver
    assert is_statement_version(text, "1.0") is in_1_0
    assert is_statement_version(text, "2.0") is in_2_0


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-18T05:32:34Z", datetime(2024, 5, 18, 5, 32, 34, tzinfo=UTC)),
        ("2024-05-18T05:32:34.8Z", datetime(2024, 5, 18, 5, 32, 34, 800000, tzinfo=UTC)),
        ("2024-05-18T05:32:34.123456789Z", datetime(2024, 5, 18, 5, 32, 34, 123456, tzinfo=UTC)),
        ("2024-05-18T05:32:34+05:30", datetime(2024, 5, 18, 0, 2, 34, tzinfo=UTC)),
        ("2024-12-31T19:00:00-05:00", datetime(2025, 1, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2016-12-31T23:59:60.5Z", datetime(2017, 1, 1, 0, 0, 0, 500000, tzinfo=UTC)),
        ("2024-02-29t00:00:00z", datetime(2024, 2, 29, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_times_of_both_versions(text: str, moment: datetime, version: Version) -> None:
    assert is_timestamp(text, version)
    assert parse_timestamp(text) == moment
    assert parse_timestamp(text).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2024-05-18T05:32:34", datetime(2024, 5, 18, 5, 32, 34, tzinfo=UTC)),
        ("2024-05-18T05:32", datetime(2024, 5, 18, 5, 32, tzinfo=UTC)),
        ("2024-05-18T05:32:34,5Z", datetime(2024, 5, 18, 5, 32, 34, 500000, tzinfo=UTC)),
        ("2024-05-18T05:32:34+02", datetime(2024, 5, 18, 3, 32, 34, tzinfo=UTC)),
        ("2024-05-18T05:32:34+0200", datetime(2024, 5, 18, 3, 32, 34, tzinfo=UTC)),
        ("20240518T053234Z", datetime(2024, 5, 18, 5, 32, 34, tzinfo=UTC)),
        ("20240518T053234.5+0200", datetime(2024, 5, 18, 3, 32, 34, 500000, tzinfo=UTC)),
        ("20240518T0532Z", datetime(2024, 5, 18, 5, 32, tzinfo=UTC)),
        ("20161231T235960Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2024-05-18T24:00:00Z", datetime(2024, 5, 19, tzinfo=UTC)),
        ("20240518T2400Z", datetime(2024, 5, 19, tzinfo=UTC)),
    ],
)
def test_times_of_1_0_only(text: str, moment: datetime) -> None:
    assert is_timestamp(text, "1.0")
    assert not is_timestamp(text, "2.0")
    assert parse_timestamp(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2024-05-18",
        "05:32:34Z",
        "2024-05-18 05:32:34Z",
        "2024-13-01T00:00:00Z",
        "2023-02-29T00:00:00Z",
        "2024-05-18T25:00:00Z",
        "2024-05-18T05:60:00Z",
        "2024-05-18T05:32:61Z",
        "2024-05-18T24:00:01Z",
        "2024-05-18T05:32:34.Z",
        "2024-05-18T05:32:34+24:00",
        "2024-05-18T05:32:34+02:60",
        "2024-05-18T05:32:34Z\n",
        "2024-05-18T05:32:34-00:00",
        "2024-05-18T05:32:34-0000",
        "2024-05-18T05:32:34-00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:60Z",
        "9999-12-31T23:00:00-02:00",
        "+12024-05-18T05:32:34Z",
        "٢٠٢٤-05-18T05:32:34Z",
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert not is_timestamp(text, "1.0")
    assert not is_timestamp(text, "2.0")
    with pytest.raises(ValueError, match=r"\w"):
        parse_timestamp(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT12.4S", 12.4),
        ("PT4H35M59.14S", 16559.14),
        ("PT16559.14S", 16559.14),
        ("P3Y1M29DT4H35M59S", 3 * 31_536_000 + 2_592_000 + 29 * 86_400 + 16_559),
        ("P3Y", 94_608_000),
        ("P4W", 2_419_200),
        ("P0.5D", 43_200),
        ("PT1,5H", 5_400),
        ("PT0S", 0),
        ("PT36H", 129_600),
        ("P1DT12H36M0.12567S", 131_760.12567),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert is_duration(text)
    assert parse_duration_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1YT",
        "1S",
        "PT1",
        "P4W1D",
        "PA1H0M0S",
        "P1S",
        "PT1D",
        "PT1S1M",
        "-PT1S",
        "PT1.5M3S",
        "PT.5S",
        "PT1.S",
        "pt1s",
        "PT1S\n",
        "P0003-06-04T12:30:05",
        "PT1e3S",
        "PT" + "9" * 400 + "S",
        "PT१S",
    ],
)
def test_what_is_no_duration(text: str) -> None:
    assert not is_duration(text)
    with pytest.raises(ValueError, match="duration"):
        parse_duration_seconds(text)
