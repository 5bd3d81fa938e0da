"""Words of charts: numbers, labels that fit, sentences without a picture, titles that state a finding."""

import re
from collections.abc import Sequence

from app.charts.rows import Answer, Bar, Day, Hour, Standing, Step

NOTHING = "Nothing to show for this period yet"
WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MOST_CHARACTERS = 300
"""Of one label, in tooltip and table. An answer in words can be as long as somebody likes."""

# Control characters, halves of surrogates and what is no character cannot stand in XML; marks that turn the direction
# around would turn what stands beside them too.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]+"
)


def clean(text: str, limit: int = MOST_CHARACTERS) -> str:
    """Text of people as one line that can be drawn: no control characters, at most `limit` characters."""
    line = " ".join(_UNPRINTABLE.sub(" ", text[: limit * 4]).split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def labels(texts: Sequence[str], limit: int) -> list[str]:
    """Labels of an axis: short, and each only once, for two that look alike are still two rows."""
    seen: dict[str, int] = {}
    found = []
    for text in texts:
        short = clean(text, limit) or "(no name)"
        seen[short] = seen.get(short, -1) + 1
        found.append(short + "\u200b" * seen[short])
    return found


def number(value: float | None) -> str:
    """1234.5 as "1,234.5", nothing known as "not known"."""
    if value is None:
        return "not known"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def amount(value: float | None, unit: str) -> str:
    """A number with its unit; "% of learners" is said as %."""
    if value is None or not unit:
        return number(value)
    return f"{number(value)}%" if unit.startswith("%") else f"{number(value)} {unit}"


def percent(part: float, whole: float) -> str:
    """A share in words; of nothing it is not known. 99.6 % is not yet all, so only all is 100."""
    if not whole:
        return "–"
    share = 100 * part / whole
    return f"{min(99, max(1, round(share))) if 0 < share < 100 else round(share)}%"


def sentence(pairs: Sequence[tuple[str, str]], most: int = 8) -> str:
    """The data in a sentence: the first ones, and how many more there are."""
    told = "; ".join(f"{name}: {value}" for name, value in pairs[:most])
    more = len(pairs) - most
    return f"{told}; and {more} more." if more > 0 else f"{told}." if told else f"{NOTHING}."


def finding_of_days(rows: Sequence[Day], before: Sequence[Day], unit: str) -> str:
    """How much, and compared with before: only days that both have are compared."""
    total = sum(row.value or 0 for row in rows)
    if not any(row.value is not None for row in rows):
        return NOTHING
    pairs = [(now.value, then.value) for now, then in zip(rows, before, strict=False)]
    both = [(now, then) for now, then in pairs if now is not None and then is not None]
    then_total = sum(then for _, then in both)
    if not then_total:
        return f"{amount(total, unit)} in {len(rows)} day{'' if len(rows) == 1 else 's'}"
    change = 100 * (sum(now for now, _ in both) / then_total - 1)
    if abs(change) < 1:
        return f"{amount(total, unit)}, as many as in the days before"
    return f"{amount(total, unit)}, {abs(change):.0f}% {'more' if change > 0 else 'fewer'} than in the days before"


def finding_of_bars(rows: Sequence[Bar], unit: str) -> str:
    """Which is first, and which is last."""
    known = [(row.label, row.value) for row in rows if row.value is not None]
    if not known:
        return NOTHING
    top, bottom = max(known, key=lambda row: row[1]), min(known, key=lambda row: row[1])
    first = f"{clean(top[0], 40)} leads with {amount(top[1], unit)}"
    if len(known) == 1 or top[1] == bottom[1]:
        return f"{clean(top[0], 40)}: {amount(top[1], unit)}" if len(known) == 1 else f"All at {amount(top[1], unit)}"
    return f"{first}, {clean(bottom[0], 40)} has {amount(bottom[1], unit)}"


def finding_of_answers(rows: Sequence[Answer]) -> str:
    """How many were right; in a poll, what most chose."""
    total = sum(row.chosen for row in rows)
    if not total:
        return NOTHING
    if any(row.is_right for row in rows):
        return (
            f"{percent(sum(row.chosen for row in rows if row.is_right), total)} of {number(total)} answers were right"
        )
    top = max(rows, key=lambda row: row.chosen)
    return f"{percent(top.chosen, total)} of {number(total)} chose “{clean(top.label, 40)}”"


def worst_step(rows: Sequence[Step]) -> int | None:
    """Where most are lost: the index of the lesson that the most learners did not reach from the one before."""
    losses = [
        ((rows[index - 1].reached or 0) - (row.reached or 0), index)
        for index, row in enumerate(rows)
        if index and row.reached is not None and rows[index - 1].reached is not None
    ]
    worst = max(losses, key=lambda loss: loss[0], default=(0, 0))
    return worst[1] if worst[0] > 0 else None


def finding_of_drop_off(rows: Sequence[Step]) -> str:
    """Where most are lost, and how many arrive."""
    at = worst_step(rows)
    if not any(row.reached for row in rows):
        return NOTHING
    if at is None:
        return "Nobody is lost along the way"
    lost = (rows[at - 1].reached or 0) - (rows[at].reached or 0)
    return f"Most are lost before “{clean(rows[at].label, 40)}”: {number(lost)} learners"


def finding_of_hours(rows: Sequence[Hour]) -> str:
    """The busiest hour of the week."""
    top = max((row for row in rows if row.number), key=lambda row: row.number or 0, default=None)
    return f"Busiest on {WEEKDAYS[top.weekday]} at {top.hour:02d}:00" if top else NOTHING


def finding_of_growth(rows: Sequence[Day], whole: int | None, unit: str) -> str:
    """How far it has come."""
    last = next((row.value for row in reversed(rows) if row.value is not None), None)
    if last is None:
        return NOTHING
    return f"{number(last)} of {amount(whole, unit)} ({percent(last, whole)})" if whole else amount(last, unit)


def finding_of_standings(rows: Sequence[Standing]) -> str:
    """How many are done, and how many are late."""
    total = sum(sum(row[1:]) for row in rows)
    if not total:
        return NOTHING
    done, late = sum(row.done for row in rows), sum(row.late for row in rows)
    return f"{percent(done, total)} done" + (f", {percent(late, total)} late" if late else ", nobody late")
