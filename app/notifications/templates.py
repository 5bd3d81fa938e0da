"""The words of a reminder: templates that course teams write, and rendering them for one learner.

Templates are a small part of Jinja2 that is checked before anything of it runs: values, conditions, one loop over the
lessons, and filters that make nothing longer. So whatever somebody writes, rendering takes time and room in proportion
to the template and the number of lessons; the sandbox behind it is the second lock.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import StrictUndefined, TemplateSyntaxError, UndefinedError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.errors import BadRequest, Problem
from app.notifications.models import ReminderTemplate
from app.platform.mail import header_text

MAX_CHARACTERS = {"subject": 300, "text": 20_000, "html": 100_000}
LESSONS_SHOWN = 20
MAX_SUBJECT_CHARACTERS = 150

Part = Literal["subject", "text", "html"]
PARTS: tuple[Part, ...] = ("subject", "text", "html")

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.If, nodes.For,
    nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Filter, nodes.Test, nodes.Sub,
)  # fmt: skip
_FILTERS = ("upper", "lower", "capitalize", "title", "trim", "length", "default", "first", "last", "escape", "e")
_TESTS = ("defined", "none", "string", "number", "even", "odd", "eq", "ne", "lt", "gt", "le", "ge")
_DEFAULT = Path(__file__).parent / "default"
_FILES = {"subject": "subject.txt", "text": "text.txt", "html": "html.html"}


@dataclass(frozen=True, slots=True)
class LessonWords:
    """A lesson as templates see it. due: a day such as 2 March 2026; days_late: 0 on that day."""

    title: str
    link: str | None
    due: str
    days_late: int


@dataclass(frozen=True, slots=True)
class Values:
    """What templates may use. lessons: the next first, LESSONS_SHOWN at most; lessons_more: how many are left out."""

    learner_name: str
    cohort_name: str
    lessons_left: int
    lessons: tuple[LessonWords, ...]
    lessons_more: int
    next_lesson: LessonWords
    today: str
    unsubscribe_url: str


@dataclass(frozen=True, slots=True)
class Words:
    """A template: three sources."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Rendered(Words):
    """What a reminder says: the three of a template with the values in place."""


@lru_cache(maxsize=1)
def default_words() -> Words:
    """The template of cohorts that have none of their own."""
    return Words(**{part: (_DEFAULT / _FILES[part]).read_text(encoding="utf-8").rstrip("\n") for part in PARTS})


def words_of(own: ReminderTemplate | None) -> Words:
    """The template of a cohort: its own, else the default one."""
    return Words(own.subject, own.text, own.html) if own else default_words()


def render(words: Words, values: Values) -> Rendered:
    """The reminder in words. UndefinedError or another error of Jinja2 when the template cannot say this."""
    given = asdict(values)
    subject, text, html = (_compiled(part, getattr(words, part)).render(given) for part in PARTS)
    return Rendered(header_text(subject, MAX_SUBJECT_CHARACTERS), text.rstrip() + "\n", html)


def check(words: Words) -> None:
    """Refuse (BadRequest) a template that is not of the small language, names what there is not, or has no way out.

    Every problem is told, with its part and line.
    """
    problems = [problem for part in PARTS for problem in _problems_of(part, getattr(words, part))]
    if not problems:
        problems = [problem for values in _samples() for problem in _problems_with(words, values)][:1]
    if problems:
        raise BadRequest(f"{problems[0].path}: {problems[0].message}", problems)


def _problems_of(part: Part, source: str) -> Iterator[Problem]:
    if len(source) > MAX_CHARACTERS[part]:
        yield Problem(part, f"Has {len(source)} characters.", f"{MAX_CHARACTERS[part]} at most.")
        return
    if not source.strip():
        yield Problem(part, "Is empty.", "Some words.")
        return
    try:
        tree = _environment("html" if part == "html" else "plain").parse(source)
        # Nothing may look closer at what is not allowed: already compiling would compute its constants.
        if refused := list(_not_allowed(part, tree)):
            yield from refused
            return
        names = meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as error:
        yield Problem(part, f"Line {error.lineno}: {error.message}", "A Jinja2 template.")
        return
    except RecursionError:
        yield Problem(part, "Is nested too deeply.", "Fewer brackets within brackets.")
        return
    for name in sorted(names - set(Values.__dataclass_fields__)):
        known = ", ".join(Values.__dataclass_fields__)
        yield Problem(part, f"There is no {name}.", f"One of {known}.")
    if part != "subject" and "unsubscribe_url" not in names:
        yield Problem(part, "Has no {{ unsubscribe_url }}.", "A link by which learners end the reminders.")


def _not_allowed(part: Part, tree: nodes.Template) -> Iterator[Problem]:
    for node in tree.find_all(nodes.Node):
        what = type(node).__name__
        line = f"Line {node.lineno}: " if node.lineno else ""
        if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
            yield Problem(part, f"{line}The filter {node.name} is not available.", f"One of {', '.join(_FILTERS)}.")
        elif isinstance(node, nodes.Test) and node.name not in _TESTS:
            yield Problem(part, f"{line}The test {node.name} is not available.", f"One of {', '.join(_TESTS)}.")
        elif isinstance(node, nodes.For):
            plain = isinstance(node.iter, nodes.Name) and node.iter.name == "lessons"
            if not plain or node.recursive or any(node.find_all(nodes.For)):
                yield Problem(part, f"{line}This loop is not available.", "{% for lesson in lessons %}, not nested.")
        elif isinstance(node, nodes.Helper | nodes.Operand):
            continue
        elif not isinstance(node, _ALLOWED):
            yield Problem(part, f"{line}{what} is not available.", "Values, if, for over lessons, and simple filters.")


def _problems_with(words: Words, values: Values) -> Iterator[Problem]:
    for part in PARTS:
        try:
            _compiled(part, getattr(words, part)).render(asdict(values))
        except UndefinedError as error:
            yield Problem(part, f"{error.message}.", "A value that there is; docs/reminders.md lists them.")
        except RecursionError:
            yield Problem(part, "Is nested too deeply.", "Fewer brackets within brackets.")
        except Exception as error:  # noqa: BLE001  (whatever a template can do wrong is its writer's to mend)
            yield Problem(part, f"Cannot be rendered: {error}", "A template that renders for every learner.")


def _samples() -> Iterator[Values]:
    """Reminders of every kind, so that every branch of a template is tried."""
    first = LessonWords("First steps", "https://app.7taps.com/lessons/1", "2 March 2026", 3)
    second = LessonWords("Second steps", None, "5 March 2026", 0)
    many = (first, second) * (LESSONS_SHOWN // 2)
    for name in ("Ann", ""):
        for lessons, more in (((first,), 0), ((second,), 0), ((second, first), 0), (many, 5)):
            yield Values(
                learner_name=name,
                cohort_name="Spring",
                lessons_left=len(lessons) + more,
                lessons=lessons,
                lessons_more=more,
                next_lesson=lessons[0],
                today="5 March 2026",
                unsubscribe_url="https://analytics.example.org/unsubscribe/…",
            )


@lru_cache(maxsize=2)
def _environment(kind: str) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=kind == "html", keep_trailing_newline=True, cache_size=0
    )
    made.globals.clear()
    for table, names in ((made.filters, _FILTERS), (made.tests, _TESTS)):
        for name in set(table) - set(names):
            del table[name]
    return made


@lru_cache(maxsize=60)
def _compiled(part: Part, source: str) -> Any:
    return _environment("html" if part == "html" else "plain").from_string(source)
