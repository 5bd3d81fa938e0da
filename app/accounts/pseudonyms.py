"""Pseudonyms of learners: made by a keyed hash of the learner's id, the same for as long as the key is. No database.

The key is what keeps somebody with a list of ids from finding out which pseudonym is whose. It comes from a secret of
the settings rather than from a table, so that a copy of the database does not hold it. Ids are told beside pseudonyms,
so a weak secret could be guessed by trying; scrypt (RFC 7914) makes each try cost as much as a log-in.
"""

import hmac
import re
from functools import lru_cache
from hashlib import scrypt, sha256
from uuid import UUID

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's alphabet: none looks like another one; in the order of their values, as text sorts them too."""
_PREFIX = "Learner "
_BYTES, _CHARACTERS = 5, 8
"""40 bits: among 10,000 learners two share a pseudonym with a chance of 1 in 20,000; of 30 bits it would be 1 in 20."""
_BLOCK_BYTES = 64
_WRITTEN = re.compile(r"(?:learner\s+)?([0-9A-Z]{4})-?([0-9A-Z]{4})", re.IGNORECASE | re.ASCII)
_MISREAD = str.maketrans("ILO", "110")


class Pseudonyms:
    """The pseudonyms under one key. Made by `pseudonyms_under`."""

    def __init__(self, key: bytes):
        self._key = key
        padded = key.ljust(_BLOCK_BYTES, b"\x00")
        # HMAC as RFC 2104 defines it, in two halves, for a database that only knows SHA-256.
        self.parameters = {
            "pseudonym_inner": bytes(byte ^ 0x36 for byte in padded),
            "pseudonym_outer": bytes(byte ^ 0x5C for byte in padded),
        }
        """Of the SQL that `digits` gives."""

    def of(self, learner_id: UUID) -> str:
        """What a learner is called, such as `Learner 7KQ2-MX4D`."""
        number = int.from_bytes(hmac.digest(self._key, learner_id.bytes, sha256)[:_BYTES])
        letters = "".join(_LETTERS[number >> 5 * place & 31] for place in reversed(range(_CHARACTERS)))
        return f"{_PREFIX}{letters[:4]}-{letters[4:]}"

    @staticmethod
    def digits(learner: str) -> str:
        """The SQL of a learner's pseudonym as ten hex digits, which sort as pseudonyms do. learner: SQL of the id."""
        return (
            f"encode(substring(sha256(CAST(:pseudonym_outer AS bytea) || sha256(CAST(:pseudonym_inner AS bytea) "
            f"|| uuid_send({learner}))) FROM 1 FOR {_BYTES}), 'hex')"
        )


def digits_of(written: str) -> str | None:
    """The hex digits of a pseudonym that somebody wrote, with or without `Learner` and hyphen; None: it is none."""
    found = _WRITTEN.fullmatch(written.strip())
    letters = (found[1] + found[2]).upper().translate(_MISREAD) if found else ""
    if not found or any(letter not in _LETTERS for letter in letters):
        return None
    number = 0
    for letter in letters:
        number = number << 5 | _LETTERS.index(letter)
    return number.to_bytes(_BYTES).hex()


@lru_cache(maxsize=8)
def pseudonyms_under(secret: str) -> Pseudonyms:
    """The pseudonyms that follow from a secret. Takes some 50 ms the first time."""
    return Pseudonyms(scrypt(secret.encode(), salt=b"7taps-analytics pseudonyms", n=2**14, r=8, p=1, dklen=32))
