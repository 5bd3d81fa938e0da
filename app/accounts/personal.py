"""What identifies a learner in text, whoever wrote it down and however it was escaped. Pure: no database."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from app.accounts.identifiers import Identifier

_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\/")
_DIGIT_OR_LETTER = r"[^\W_]"


@dataclass(frozen=True)
class Marks:
    """The identifiers of a learner as they are looked for. A name identifies nobody, and is not among them."""

    identifiers: tuple[Identifier, ...]

    @property
    def agents(self) -> list[str]:
        """As lrs.identity.agent_identity writes them: by these, documents and links know the learner."""
        return [f"{one.kind} {one.value}" for one in self.identifiers if one.kind != "phone"]

    @property
    def needles(self) -> list[str]:
        """Texts of which at least one stands in whatever holds a mark, unless it is escaped.

        In lower case, and without letters beyond ASCII that have a case: databases differ in what these are.
        """
        found: set[str] = set()
        for one in self.identifiers:
            text = one.value.removeprefix("mailto:") if one.kind == "mbox" else one.value
            if one.kind == "account":
                text = text.partition(" ")[2]
            # Quotes and backslashes are escaped in JSON, slashes may be; what stands between them is not.
            plain = "".join("/" if char > "\x7f" and char.lower() != char.upper() else char for char in text)
            found.add(max(re.split(r'[/"\\\x00-\x1f\ufffd]', plain), key=len).lower())
        return sorted(found)

    def found_in(self, text: str | bytes) -> bool:
        """Whether the text holds an address, a hash, a number, an OpenID or an account of the learner.

        As a whole: jo.ann@example.org is somebody else than ann@example.org.
        """
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        plain = _ESCAPE.sub(_unescaped, text) if "\\" in text else text
        if self._pattern is not None and self._pattern.search(plain):
            return True
        return any(name in plain for _, name in self._accounts) and self._holds_account(text, plain)

    @cached_property
    def _accounts(self) -> list[tuple[str, str]]:
        parts = [one.value.partition(" ") for one in self.identifiers if one.kind == "account"]
        return [(home, name) for home, _, name in parts]

    @cached_property
    def _pattern(self) -> re.Pattern[str] | None:
        found: list[str] = []
        for one in self.identifiers:
            if one.kind == "mbox":
                address = re.escape(one.value.removeprefix("mailto:"))
                found.append(rf"(?<![\w.+%-]){address}(?![\w-]|\.\w)")
            elif one.kind in ("mbox_sha1sum", "openid"):
                found.append(rf"(?<!{_DIGIT_OR_LETTER}){re.escape(one.value)}(?!{_DIGIT_OR_LETTER})")
            elif one.kind == "phone":
                found.append(rf"{re.escape(one.value)}(?!\d)")
        return re.compile("|".join(found), re.IGNORECASE) if found else None

    def _holds_account(self, text: str, plain: str) -> bool:
        try:
            return self._walk(orjson.loads(text))
        except orjson.JSONDecodeError:
            # What is no JSON has no structure to go by.
            return any(name in plain and home in plain for home, name in self._accounts)

    def _walk(self, value: Any) -> bool:
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if isinstance(one, dict):
                home, name = one.get("homePage"), one.get("name")
                if isinstance(home, str) and isinstance(name, str) and (home, name) in self._accounts:
                    return True
                waiting.extend(one.values())
            elif isinstance(one, list):
                waiting.extend(one)
        return False


def marks_of(identifiers: Iterable[Identifier], *more: Identifier) -> Marks:
    """The marks of somebody who is known by these identifiers."""
    unique: Sequence[Identifier] = list(dict.fromkeys([*identifiers, *more]))
    return Marks(tuple(unique))


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else "/"
