"""Who an Agent or Group is, as one line of text: what two spellings of the same one have in common. Pure."""

from collections.abc import Mapping
from typing import Any


def agent_identity(agent: Mapping[str, Any]) -> str | None:
    """The identifier of a valid Agent or identified Group as text, its kind in front; None for an anonymous Group.

    `mbox mailto:sam@example.org`, `mbox_sha1sum 6e…`, `openid https://…`, `account https://lms.example 17`. Addresses
    and hashes are compared without regard to case. xAPI 1.0.3 Data 2.4.2.3: the identifier alone says who it is, so an
    Agent and a Group that share one are the same here, as Communication 2.6 has it.
    """
    if "mbox" in agent:
        return f"mbox {agent['mbox'].lower()}"
    if "mbox_sha1sum" in agent:
        return f"mbox_sha1sum {agent['mbox_sha1sum'].lower()}"
    if "openid" in agent:
        return f"openid {agent['openid']}"
    if "account" in agent:
        # The home page is an IRI and so without blanks: no two accounts can read the same.
        return f"account {agent['account']['homePage']} {agent['account']['name']}"
    return None
