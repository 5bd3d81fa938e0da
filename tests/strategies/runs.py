"""How many examples are tried, and how."""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("EXAMPLES_TIMES", "1"))
"""So many times more examples, and other ones in each run: `EXAMPLES_TIMES=20 pytest …` goes hunting."""


def examples(number: int) -> settings:
    """So many examples, the same in every run, in whatever time they take; nothing of them is kept on the disk.

    Statements that have everything in them are large by nature and slow to make, and no sign of a bad strategy.
    """
    large = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
    return settings(
        max_examples=number * TIMES,
        derandomize=TIMES == 1,
        deadline=None,
        database=None,
        suppress_health_check=large,
    )
