"""Does it stay as fast as the record grows? The worker's throughput and the filters at the door, size by size."""

from benchmarks import archive, queries
from benchmarks.loader import drain
from benchmarks.servers import Bench
from benchmarks.telling import tell

SIZES = (100_000, 1_000_000, 5_000_000)
LOADED = 20_000
ROUNDS = 3
LARGEST_DIFFERENCE = 0.2


def measure(bench: Bench, bodies: list[bytes], sizes: tuple[int, ...] = SIZES) -> None:
    """Fill up to each size, load a full stream on top of it, then read page by page."""
    loads: list[float] = []
    reads: list[float] = []
    filled = 0
    for place, size in enumerate(sizes):
        archive.fill(bench, size, after=filled)
        filled = size
        first = place * ROUNDS * LOADED
        loads.append(max(drain(bench, bodies, first + n * LOADED, LOADED) for n in range(ROUNDS)))
        found = queries.medians(bench, sizes[0])
        reads.append(sum(found.values()) / len(found))
        tell(
            f"at {size} statements",
            loaded_per_second=round(loads[-1]),
            mean_of_filter_medians_ms=round(reads[-1], 2),
            slowest_filter_median_ms=round(max(found.values()), 2),
        )
    slower = 1 - loads[-1] / loads[0]
    later = reads[-1] / reads[0] - 1
    tell(
        f"from {sizes[0]} to {sizes[-1]} statements",
        throughput_lost=round(slower, 2),
        latency_gained=round(later, 2),
        within=slower < LARGEST_DIFFERENCE and later < LARGEST_DIFFERENCE,
    )
