"""The small values of statements, each with its odd but lawful forms (xAPI 1.0.3 Data 2.2 and 4)."""

import hashlib
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from app.lrs.validation import Version
from tests.strategies.json_text import ODD_NUMBERS, numbers

Text = st.SearchStrategy[str]

TEXTS: Text = st.one_of(
    st.sampled_from(
        [
            *("", " ", "\x00", "a\x00b", "\x7f\x80", "\u2028", "\ufeff", "\uffff", "null", "0", "'; --", "<b>", "%s"),
            *('"\\/', "\\u0041", "\t\r\n", "e\u0301", "\u202eabc", "\U0001f469\u200d\U0001f680", "日本語", "ﬀ", "İ"),
        ]
    ),
    st.text(max_size=6),
)
"""Any text: NUL, what looks like an escape, both halves of what one person takes for one character."""


IRIS: Text = st.one_of(
    st.sampled_from(
        [
            *("a:b", "tag:example.com,2024:a", "urn:uuid:7d4f3c70-1e79-4243-9b7d-166076ce8bfb", "data:,a%20b"),
            *("course-v1:FUN-MOOC+00002+session01", "http://[2001:db8::7]:8080/a", "https://例え.jp/レッスン?q=é#ü"),
            *("HTTPS://Example.COM", "http://u:p@example.com:80/;a=b?c=d&e#/f", "mailto:a@example.com", "svn+ssh:/a"),
            *("https://app.7taps.com/lessons/1", "http://adlnet.gov/expapi/activities/lesson", "x.y+z-1:?#"),
        ]
    ),
    st.builds(
        lambda head, path, tail: f"{head}{path}{tail}",
        st.sampled_from(["ex:", "urn:x:", "https://example.com/", "http://x.example/a/"]),
        st.text("aZ0-._~!$&'()*+,;=:@ä日\U0001f600", min_size=1, max_size=6),
        st.sampled_from(["", "?", "?a/b?c", "#", "?q=%00#f/?", "%20%C3%A4"]),
    ),
)
"""IRIs as in RFC 3987 (Data 4.3), which an IRL is as well: many schemes, beyond ASCII, with every part there can be."""

URIS: Text = IRIS.filter(str.isascii)
UUIDS: Text = st.one_of(
    st.sampled_from(["00000000-0000-0000-0000-000000000000", "FFFFFFFF-ffff-FFFF-ffff-FFFFFFFFFFFF"]),
    st.builds(lambda value, upper: str(value).upper() if upper else str(value), st.uuids(), st.booleans()),
)
"""UUIDs of every variant in the standard form, whichever case (Data 4.4)."""

MBOXES: Text = st.builds(
    lambda local, domain: f"mailto:{local}@{domain}",
    st.one_of(
        st.sampled_from(["ann", "Ann.Example", "a+b", "!$&'*+-=_~", "änn", "%22a%40b%22", "o'neil", "用户", "x" * 64]),
        st.text("abXY01._-", min_size=1, max_size=8),
    ),
    st.sampled_from(
        ["example.com", "EXAMPLE.org", "localhost", "[192.0.2.1]", "[IPv6:2001:db8::1]", "xn--bcher-kva.ch"]
    ),
)
"""mailto IRIs with one address (RFC 6068): case, tags, escapes, beyond ASCII, a host by its number."""

SHA1S: Text = st.builds(
    lambda n, upper: (
        hashlib.sha1(str(n).encode()).hexdigest().upper() if upper else hashlib.sha1(b"%d" % n).hexdigest()
    ),
    st.integers(0, 99),
    st.booleans(),
)
SHA2S: Text = st.builds(
    lambda name, n: hashlib.new(name, str(n).encode()).hexdigest(),
    st.sampled_from(["sha224", "sha256", "sha384", "sha512"]),
    st.integers(0, 99),
)

LANGUAGES: Text = st.one_of(
    st.sampled_from(
        [
            *("en", "en-US", "EN-us", "cmn", "sr-Latn-RS", "zh-cmn-Hans-CN", "zh-min-nan", "es-419", "de-CH-1996"),
            *("sl-rozaj-biske-1994", "hy-Latn-IT-arevela", "en-a-bbb-x-a-ccc", "de-u-co-phonebk", "x-whatever", "abcd"),
            *(
                "i-klingon",
                "i-default",
                "en-GB-oed",
                "sgn-BE-FR",
                "art-lojban",
                "cel-gaulish",
                "qaa-Qaaa-QM-x-southern",
            ),
        ]
    ),
    st.builds(
        lambda *parts: "-".join(part for part in parts if part),
        st.sampled_from(["de", "fr", "yue", "abcde"]),
        st.sampled_from(["", "Hant", "latn"]),
        st.sampled_from(["", "DE", "es", "150"]),
        st.sampled_from(["", "1901", "scouse", "abcd1"]),
        st.sampled_from(["", "t-ab", "0-1a-bb"]),
        st.sampled_from(["", "x-1", "x-abcdefgh-a"]),
    ),
)
"""Tags as in RFC 5646: extended language, script, region, variants, extensions, private use, and irregular ones."""

LANGUAGE_MAPS: st.SearchStrategy[dict[str, str]] = st.dictionaries(LANGUAGES, TEXTS, max_size=2)

JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), ODD_NUMBERS, numbers(-(10**6), 10**6, -2), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(TEXTS, inner, max_size=2)),
    max_leaves=3,
)
"""Any JSON value, null and empty keys among them: what an extension may hold (Data 4.1)."""

EXTENSIONS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(IRIS, JSON_VALUES, max_size=2)

MEDIA_TYPES: Text = st.sampled_from(
    [
        *("text/plain", "application/pdf", "Application/Octet-Stream", "application/vnd.api+json", "x/y"),
        *("text/plain; charset=utf-8", 'text/plain;charset="utf-8" ; note="a \\"b\\"; c"', "multipart/x; boundary='a'"),
    ]
)

_PARTS = ("3Y", "14M", "029D"), ("100H", "0M", "59S")
DURATIONS: Text = st.one_of(
    st.sampled_from(["P4W", "P0.5W", "P1,5Y", "P0.5D", "PT0S", "P0Y", "PT1.5H", "PT16559.14S", "PT0.123456789S"]),
    st.tuples(
        *(st.lists(st.sampled_from(parts), unique=True, max_size=3).map(sorted) for parts in _PARTS),
        st.sampled_from(["", ".25", ",5"]),
    ).map(lambda drawn: _duration(*drawn)),
)
"""Durations in the form with designators, a fraction in the last number (Data 4.6)."""


def _duration(days: list[str], hours: list[str], fraction: str) -> str:
    days, hours = sorted(days, key=_PARTS[0].index), sorted(hours, key=_PARTS[1].index)
    if not (days or hours):
        return "P1D"
    text = f"P{''.join(days)}{'T' if hours else ''}{''.join(hours)}"
    return f"{text[:-1]}{fraction}{text[-1]}"


_FRACTIONS = st.sampled_from(["", ".0", ".5", ".804", ".123456", ".1234567890123"])
_OFFSETS = ["Z", "z", "+00:00", "+05:30", "-03:30", "+23:59", "-23:59"]
_MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31))  # noqa: DTZ001  (the offset is written beside it)
_RFC3339: Text = st.one_of(
    st.sampled_from(
        [
            *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2016-12-31T23:59:60Z", "2016-12-31T23:59:60.5Z"),
            *("2024-02-29t00:00:00z", "1969-12-31T23:59:59.999-11:00", "2999-01-01T00:00:00Z"),
        ]
    ),
    st.builds(
        lambda moment, mark, fraction, offset: f"{moment.isoformat(mark, 'seconds')}{fraction}{offset}",
        _MOMENTS,
        st.sampled_from("Tt"),
        _FRACTIONS,
        st.sampled_from(_OFFSETS),
    ),
)
_ISO8601: Text = st.one_of(
    _RFC3339,
    st.sampled_from(["2024-05-18T24:00:00Z", "20240518T2400Z", "20161231T235960Z", "2024-05-18T24:00"]),
    st.builds(
        lambda form, tail: f"{form}{tail}",
        st.sampled_from(
            ["2024-05-18T05:32", "2024-05-18T05:32:34", "2024-05-18T05:32:34,5", "2024-05-18T05:32:34.804"]
        ),
        st.sampled_from(["", "+02", "-1130", *_OFFSETS]),
    ),
    st.builds(
        lambda form, tail: f"{form}{tail}",
        st.sampled_from(["20240518T0532", "20240518T053234", "20240518T053234.5", "20240518T053234,123456789"]),
        st.sampled_from(["", "Z", "+02", "-1130", "+0000"]),
    ),
)


def timestamps(version: Version) -> Text:
    """Times of an edition: RFC 3339 in 2.0 (IEEE 9274.1.1 4.2.7), ISO 8601 in 1.0.3 (Data 4.5), which is more."""
    return _RFC3339 if version == "2.0" else _ISO8601


def versions_of_statements(version: Version) -> Text:
    """What the property `version` may say: 1.0 and 1.0.x; under 2.0 also 2.0.x (Data 2.4.10, IEEE 9274.1.1 4.2.4.2)."""
    own = ["1.0", "1.0.0", "1.0.3", "1.0.9", "1.0.12"]
    return st.sampled_from([*own, "2.0.0", "2.0.1"] if version == "2.0" else own)
