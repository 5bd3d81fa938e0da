"""Batches of statements of a file: none with an id twice, each sent until the server took it or said what is wrong."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from app.cli.sending import Interrupted, Server
from app.cli.statement_files import Refused, Statement
from app.errors import Problem

BATCH_BYTES = 4 * 2**20


@dataclass(slots=True)
class BatchResult:
    """What became of one batch."""

    accepted: int = 0
    refused: list[Refused] = field(default_factory=list)


@dataclass(slots=True)
class Totals:
    """What became of the file so far. repeated: equal statements within one batch, sent once."""

    read: int = 0
    accepted: int = 0
    repeated: int = 0
    refused: int = 0
    first_refused: list[Refused] = field(default_factory=list)
    new: int | None = None
    seconds: float = 0.0


def batches(
    statements: Iterator[Statement | Refused], totals: Totals, broken: list[Refused], size: int
) -> Iterator[list[Statement]]:
    """Batches of at most `size` statements and BATCH_BYTES bytes; broken places go aside.

    No batch has an id twice, which a server must refuse: an equal repeat is left out and counted, a
    different statement under the same id starts the next batch, so that the server decides.
    """
    batch: dict[str, Statement] = {}
    taken = 0
    for one in statements:
        totals.read += 1
        if isinstance(one, Refused):
            broken.append(one)
            continue
        if (same := batch.get(one.id)) is not None and same.body == one.body:
            totals.repeated += 1
            continue
        if batch and (same is not None or len(batch) >= size or taken + len(one.body) > BATCH_BYTES):
            yield list(batch.values())
            batch, taken = {}, 0
        batch[one.id] = one
        taken += len(one.body) + 1
    if batch:
        yield list(batch.values())


def post_batch(server: Server, batch: list[Statement]) -> BatchResult:
    """Send a batch; if some statements get it refused, send the rest again without those."""
    result, waiting = BatchResult(), [batch]
    while waiting:
        statements = waiting.pop()
        try:
            answer = server.post_statements([one.body for one in statements])
        except Interrupted:
            return result
        if answer.accepted:
            result.accepted += len(statements)
            continue
        told: dict[int, list[Problem]] = {}
        for problem in answer.problems:
            index, path = _split_path(problem.path)
            if index is not None and index < len(statements):
                told.setdefault(index, []).append(Problem(path, problem.message, problem.expected))
        bad = {index for index in answer.refused if index < len(statements)} | told.keys()
        if len(statements) == 1:
            reasons = told.get(0) or list(answer.problems)
            fallback = Problem("$", answer.title or f"The server answered {answer.status}.")
            result.refused.append(_refused(statements[0], tuple(reasons) or (fallback,)))
        elif not bad or answer.status == 413:
            # It does not say which (or there are simply too many): halves find out.
            middle = len(statements) // 2
            waiting += [statements[middle:], statements[:middle]]
        else:
            # A server may cap its list of problems: those it refused without a word are asked about
            # again, by themselves; once none of them gets a word, one by one.
            unexplained = [statements[index] for index in sorted(bad - told.keys())]
            result.refused += [_refused(statements[index], tuple(told[index])) for index in sorted(told)]
            waiting += [unexplained] if told and unexplained else [[one] for one in unexplained]
            good = [one for index, one in enumerate(statements) if index not in bad]
            waiting += [good] if good else []
    return result


def _split_path(path: str) -> tuple[int | None, str]:
    """`[3].actor.mbox` as 3 and `actor.mbox`; the statement itself is `$`."""
    number, bracket, rest = path.removeprefix("$").partition("]")
    if not bracket or not number.startswith("[") or not number[1:].isdigit():
        return None, path
    return int(number[1:]), rest.lstrip(".") or "$"


def _refused(statement: Statement, problems: tuple[Problem, ...]) -> Refused:
    return Refused(statement.place, statement.source, problems)
