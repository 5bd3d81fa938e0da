"""Whose data may this person see? The only place that answers it; every report passes through here."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at the data of learners. name: as the audit log and the log know them."""

    name: str
    sees_everybody: bool = False


EVERYBODY = "true"
"""The condition that holds for every learner."""
ADMIN = Viewer("admin token", sees_everybody=True)


def may_see(viewer: Viewer, learner: str) -> str:
    """The SQL condition that holds for exactly those learners whose data the viewer may see.

    learner: the SQL expression of a learner's id, such as `member.user_id`; never text that somebody sent. Admins see
    everybody; nobody else sees anybody yet.
    """
    return EVERYBODY if viewer.sees_everybody else f"({learner} IS NULL AND {learner} IS NOT NULL)"
