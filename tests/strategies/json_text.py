"""JSON as text, in the many spellings that the grammar leaves open (RFC 8259): blanks, escapes, numbers, order of keys.

What a parser makes of a text hides how it was written; these tests are about just that, so they write it themselves.
"""

import json
from decimal import Decimal
from random import Random
from typing import Any

from hypothesis import strategies as st

_SHORT = {'"': '\\"', "\\": "\\\\", "/": "\\/", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_BLANKS = ("", "", "", " ", "\n", "\t", "\r\n  ")


class Number(float):
    """A JSON number that knows how it is spelt; as a float it has the value that a reader takes it for."""

    text: str

    def __new__(cls, text: str) -> "Number":
        """The number that `text` spells."""
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __deepcopy__(self, _memo: object) -> "Number":
        return self

    def __repr__(self) -> str:
        return self.text


def _spelt(mantissa: int, exponent: int, way: int) -> Number:
    plain = f"{Decimal(mantissa).scaleb(exponent):f}"
    ways = (
        plain,
        f"{plain}0" if "." in plain else f"{plain}.0",
        f"{mantissa}e{exponent}",
        f"{mantissa}E{exponent:+d}",
        f"{mantissa * 10}e{exponent - 1:04d}",
        plain if mantissa else "-0.0",
    )
    return Number(ways[way])


def numbers(low: int, high: int, exponent: int = 0) -> st.SearchStrategy[Number]:
    """Numbers from low to high, both counted in powers of ten (exponent), in every spelling."""
    return st.builds(_spelt, st.integers(low, high), st.just(exponent), st.integers(0, 5))


ODD_NUMBERS = st.sampled_from(
    [
        *("0", "-0", "-0.0", "0e0", "1E5", "1e+2", "0.1e1", "10e-1", "1.10", "-1.5E-007"),
        *("9007199254740993", "18446744073709551615", "18446744073709551616", "-9223372036854775809"),
        *(
            "123456789012345678901234567890",
            "0.1234567890123456789012345",
            "1.7976931348623157e308",
            "5e-324",
            "1e-400",
        ),
    ]
).map(Number)
"""Spellings in which a reader that counts in 64 bits loses something; as text none may be lost."""


def write(value: Any, spelling: int = 0) -> bytes:
    """A JSON value as text in UTF-8. spelling: 0 writes plainly, anything else is the seed of an odd way to write.

    The odd ways shuffle the keys of objects and vary blanks and escapes; numbers are always written as they are spelt.
    """
    return _text(value, Random(spelling) if spelling else None).encode()


def _text(value: Any, odd: Random | None) -> str:
    if isinstance(value, str):
        return _string(value, odd)
    if isinstance(value, Number):
        return value.text
    if isinstance(value, dict):
        items = list(value.items())
        if odd:
            odd.shuffle(items)
        return _joined("{}", [f"{_string(key, odd)}{_blank(odd)}:{_text(item, odd)}" for key, item in items], odd)
    if isinstance(value, list):
        return _joined("[]", [_text(item, odd) for item in value], odd)
    return json.dumps(value)


def _joined(brackets: str, parts: list[str], odd: Random | None) -> str:
    inside = ",".join(f"{_blank(odd)}{part}{_blank(odd)}" for part in parts) or _blank(odd)
    return f"{brackets[0]}{inside}{brackets[1]}"


def _blank(odd: Random | None) -> str:
    return odd.choice(_BLANKS) if odd else ""


def _string(text: str, odd: Random | None) -> str:
    way = odd.randrange(4) if odd else 0
    if way == 0:
        return json.dumps(text, ensure_ascii=False)
    if way == 1:
        return json.dumps(text)
    assert odd is not None
    return '"' + "".join(_character(character, odd, always=way == 3) for character in text) + '"'


def _character(character: str, odd: Random, *, always: bool) -> str:
    if character in _SHORT and odd.random() < 0.5:
        return _SHORT[character]
    if not always and character not in '"\\' and character >= " " and odd.random() < 0.7:
        return character
    pairs = character.encode("utf-16-be").hex()
    if odd.random() < 0.5:
        pairs = pairs.upper()
    return "".join(f"\\u{pairs[at : at + 4]}" for at in range(0, len(pairs), 4))
