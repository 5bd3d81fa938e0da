"""Who works on what: contracts in progress, and the tokens of agents that were here lately."""

from datetime import datetime, timedelta

from pydantic import BaseModel
from sqlalchemy.orm import Session

from app.accounts import tokens
from app.contracts.schemas import ContractsRead
from app.platform import clock

SEEN_WITHIN_HOURS = 24
AGENT_SCOPES = frozenset({"progress:read", "contracts:write"})
"""What tells the token of an agent from that of another program."""


class TakenContract(BaseModel):
    """A contract that an agent has taken, and when."""

    module: str
    since: str


class AgentRead(BaseModel):
    """An agent. last_seen_at: when its token was last used, to the minute; null when no token of that name was."""

    name: str
    contracts: list[TakenContract]
    last_seen_at: datetime | None


class AgentsRead(BaseModel):
    """Agents that have taken a contract, or were seen within so many hours; those seen last come first."""

    generated_at: datetime
    seen_within_hours: int
    agents: list[AgentRead]


def active_agents(db: Session, reading: ContractsRead) -> AgentsRead:
    """Agents by contract and by token. A token belongs to the agent of its name."""
    now = clock.now()
    seen = {
        one.name: one.last_used_at
        for one in tokens.all_tokens(db)
        if one.last_used_at is not None
        and one.revoked_at is None
        and one.expires_at > now
        and AGENT_SCOPES & set(one.scopes)
    }
    taken: dict[str, list[TakenContract]] = {}
    for one in reading.contracts:
        if one.status == "in_progress":
            name = one.agent or "nobody named"
            taken.setdefault(name, []).append(TakenContract(module=one.module, since=one.updated_at))
    since = now - timedelta(hours=SEEN_WITHIN_HOURS)
    names = set(taken) | {name for name, at in seen.items() if at > since}
    agents = [AgentRead(name=name, contracts=taken.get(name, []), last_seen_at=seen.get(name)) for name in names]
    return AgentsRead(
        generated_at=now,
        seen_within_hours=SEEN_WITHIN_HOURS,
        agents=sorted(agents, key=lambda one: (-(one.last_seen_at.timestamp() if one.last_seen_at else 0), one.name)),
    )
