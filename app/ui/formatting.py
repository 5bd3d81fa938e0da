"""How numbers, shares, days and moments are written on pages. Unknown is a dash, never a zero."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from app.platform import clock

UNKNOWN = Markup('<span class="unknown" title="not known yet">–</span>')
_THIN = "\u202f"
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def zone_named(name: str | None) -> ZoneInfo:
    """The time zone of this IANA name, UTC when there is none of it."""
    return clock.zone_of(name) or ZoneInfo("UTC")


def number(value: float | int | None, digits: int = 0) -> str | Markup:
    """12 345 with thin spaces between thousands, at which no line is broken."""
    return UNKNOWN if value is None else f"{value:,.{digits}f}".replace(",", _THIN)


def percent(share: float | None) -> str | Markup:
    """A share from 0 to 1 as a percentage. What is not quite all or nothing is not written as 100 or 0."""
    if share is None:
        return UNKNOWN
    whole = round(share * 100)
    if whole == 100 and share < 1:
        return ">99\u202f%"
    if whole == 0 and share > 0:
        return "<1\u202f%"
    return f"{whole}\u202f%"


def duration(seconds: float | None) -> str | Markup:
    """The two largest units of a duration: 2 d 3 h, 4 min 10 s, 0.3 s."""
    if seconds is None:
        return UNKNOWN
    if abs(seconds) < 10 and seconds != int(seconds):
        return f"{seconds:.1f} s"
    left = round(abs(seconds))
    parts = []
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (1, "s")):
        amount, left = divmod(left, size)
        if amount:
            parts.append(f"{amount} {unit}")
    return ("−" if seconds < 0 else "") + (" ".join(parts[:2]) or "0 s")


def day(value: date | None) -> str | Markup:
    """21 Nov 2026."""
    return UNKNOWN if value is None else Markup('<time datetime="{}">{}</time>').format(value, _day(value))


def moment(value: datetime | None, zone: ZoneInfo, *, seconds: bool = False) -> str | Markup:
    """A moment in the viewer's time zone, with the zone named in full where the pointer rests."""
    if value is None:
        return UNKNOWN
    local = value.astimezone(zone)
    clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
    return Markup('<time datetime="{}" title="{} {} ({})">{} {}</time>').format(
        value.isoformat(), _day(local), f"{local:%H:%M:%S}", zone.key, _day(local), clock
    )


def ago(value: datetime | None, now: datetime, zone: ZoneInfo) -> str | Markup:
    """How long ago: 3 min ago, 2 d ago. The moment itself is where the pointer rests."""
    if value is None:
        return UNKNOWN
    passed = max(timedelta(), now - value).total_seconds()
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if passed >= size:
            told = f"{int(passed // size)} {unit} ago"
            break
    else:
        told = "just now"
    local = value.astimezone(zone)
    return Markup('<time datetime="{}" title="{} {} ({})">{}</time>').format(
        value.isoformat(), _day(local), f"{local:%H:%M:%S}", zone.key, told
    )


_CELLS = {
    letter: f"<td class={letter}>{word}"
    for letter, word in {"d": "done", "p": "started", "l": "late", "n": "not started"}.items()
}


def cells(letters: str) -> Markup:
    """The cells of a row of the heat grid, from one letter each: d done, p started, l late, n not started.

    Each is one element with its word in it; 15,000 of them are made at once, so no template does it one by one.
    """
    return Markup("".join([_CELLS[letter] for letter in letters]))  # noqa: S704  (nothing but the words above)


def plural(count: int, one: str, many: str | None = None) -> Markup:
    """1 learner, 2 learners."""
    return Markup("{} {}").format(number(count), escape(one if count == 1 else many or f"{one}s"))


def _day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"
