"""Does it stay as fast as the record grows? The worker's throughput and the filters at the door, size beside size."""

from contextlib import ExitStack

from benchmarks import archive, queries
from benchmarks.loader import drain
from benchmarks.servers import stores
from benchmarks.telling import tell

SIZES = (100_000, 1_000_000, 5_000_000)
LOADED = 20_000
ROUNDS = 3
LARGEST_DIFFERENCE = 0.2


def measure(bodies: list[bytes], sizes: tuple[int, ...] = SIZES) -> None:
    """Fill a record of each size, then load full streams and read page by page, each size in each round.

    So that a noisy minute does not fall on one of them alone.
    """
    with ExitStack() as stack:
        benches = {size: stack.enter_context(stores()) for size in sizes}
        for size, bench in benches.items():
            bench.use()
            archive.fill(bench, size)
            tell("record filled", statements=size)
        loads: dict[int, list[float]] = {size: [] for size in sizes}
        reads: dict[int, dict[str, list[float]]] = {size: {} for size in sizes}
        for number in range(ROUNDS):
            for size, bench in benches.items():
                bench.use()
                loads[size].append(drain(bench, bodies, number * LOADED, LOADED))
                for name, median in queries.medians(bench, sizes[0]).items():
                    reads[size].setdefault(name, []).append(median)
    rates = {size: max(found) for size, found in loads.items()}
    best = {size: [min(medians) for medians in found.values()] for size, found in reads.items()}
    means = {size: sum(found) / len(found) for size, found in best.items()}
    for size in sizes:
        tell(
            f"at {size} statements",
            loaded_per_second=round(rates[size]),
            mean_of_filter_medians_ms=round(means[size], 2),
            slowest_filter_median_ms=round(max(best[size]), 2),
        )
    slower = 1 - rates[sizes[-1]] / rates[sizes[0]]
    later = means[sizes[-1]] / means[sizes[0]] - 1
    tell(
        f"from {sizes[0]} to {sizes[-1]} statements",
        throughput_lost=round(slower, 2),
        latency_gained=round(later, 2),
        within=slower < LARGEST_DIFFERENCE and later < LARGEST_DIFFERENCE,
    )
