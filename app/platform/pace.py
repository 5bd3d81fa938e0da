"""How a process that handles many statements uses the interpreter."""

import gc
import sys
from functools import cache

COLLECT_AFTER = 50_000
"""Objects that may come into being before the collector looks for circles among the newest ones (by default 700).

A parsed statement is a hundred objects and no circle: looking at them took a fifth of the loader's time.
"""
SWITCH_SECONDS = 0.0005
"""How long a thread computes while another one waits (by default 0.005). The loader's two threads take turns with each
answer of PostgreSQL, and waiting ten times as long after each of thirty answers is a tenth of a second per batch.
"""


@cache
def settle_down(*, threads: bool = False) -> None:
    """To be called once everything is imported; again does nothing.

    threads: two of them work side by side, one of them mostly waiting.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 10, 20)
    if threads:
        sys.setswitchinterval(SWITCH_SECONDS)
