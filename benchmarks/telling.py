"""How a figure is told: one line of JSON."""

import json
from datetime import UTC, datetime


def tell(figure: str, **values: float) -> None:
    """Print one figure with the moment it was taken."""
    told = {"figure": figure, **values, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    print(json.dumps(told), flush=True)
