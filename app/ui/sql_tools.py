"""The tools of others that analysts reach through our server: which there are, and who may."""

from dataclasses import dataclass

from app.access.callers import Caller
from app.config import Settings

SCOPE = "sql:read"
PSEUDONYMS = (
    "Learners are shown under pseudonyms here (LEARNER_DISPLAY), and in SQL they cannot be: what is stored has their "
    "names. So only admins write SQL of their own; prebuilt queries keep to the pseudonyms."
)


@dataclass(frozen=True, slots=True)
class SqlTool:
    """A tool behind us. prefix: the path under which it is served, here and there; start: its first page.

    setting: of its address. framed: whether /ui/db-terminal shows it in the page.
    """

    title: str
    text: str
    prefix: str
    start: str
    setting: str
    framed: bool

    def address(self, settings: Settings) -> str | None:
        """Scheme, host and port, without a slash at the end; None where there is no such tool."""
        found: str | None = getattr(settings, self.setting)
        return found.rstrip("/") if found else None


SQLPAD = SqlTool(
    title="SQLPad",
    text="Queries that are saved and shared, and charts of them. What it is asked stands in its own history.",
    prefix="/ui/sqlpad",
    start="/ui/sqlpad/",
    setting="sqlpad_url",
    framed=True,
)
SUPERSET = SqlTool(
    title="SQL Lab of Superset",
    text="A workbench for SQL, with charts and dashboards.",
    prefix="/ui/superset",
    start="/ui/superset/sqllab/",
    setting="superset_url",
    framed=False,
)
TOOLS = (SQLPAD, SUPERSET)


def tools_for(caller: Caller, settings: Settings) -> list[SqlTool]:
    """The tools that this caller may use."""
    if not caller.may(SCOPE) or why_not(caller, settings):
        return []
    return [one for one in TOOLS if one.address(settings)]


def why_not(caller: Caller, settings: Settings) -> str:
    """Why SQL in own words is not for somebody who has the scope; empty when it is."""
    return PSEUDONYMS if settings.learner_display == "pseudonyms" and caller.role != "admin" else ""
