"""The worker process: `dramatiq app.worker`. Also what `periodiq app.worker` reads the schedule from."""

import importlib
from typing import Any

import dramatiq

from app.config import get_settings
from app.consumers.statement_stream import StatementConsumer
from app.etl_streaming import the_stream
from app.platform import metrics, telemetry
from app.platform.broker import broker
from app.platform.logs import configure_logs, get_logger
from app.platform.pace import settle_down
from app.platform.totals import Totals
from app.registry import ACTOR_MODULES

settings = get_settings()
configure_logs(settings.log_level, settings.log_format, "worker")
log = get_logger(__name__)
# Wrong or missing settings stop the process here, with their name, and not at the first statement.
_ = settings.sqlalchemy_url, settings.required_redis_url


class ConsumerMiddleware(dramatiq.Middleware):
    """Runs the stream consumer for as long as the worker lives.

    In ETL_MODE=incremental too: the doors write bronze then, but what is on the stream from before has to be loaded.
    """

    def __init__(self) -> None:
        self._consumer: StatementConsumer | None = None

    def after_worker_boot(self, _broker: dramatiq.Broker, _worker: dramatiq.Worker) -> None:
        """Start reading the stream once the worker can take jobs."""
        settle_down(threads=True)
        self._consumer = StatementConsumer(the_stream(), settings)
        self._consumer.start()

    def before_worker_shutdown(self, _broker: dramatiq.Broker, _worker: dramatiq.Worker) -> None:
        """Let the batch in hand finish and be acknowledged."""
        if self._consumer is not None:
            self._consumer.stop()
            self._consumer.join(timeout=30)


class ObservingMiddleware(dramatiq.Middleware):
    """Counts the tries of each job; tells the counts and exports the traces of this process while it lives."""

    def before_worker_boot(self, _broker: dramatiq.Broker, _worker: dramatiq.Worker) -> None:
        """Before the first entry is read, and not in the scheduler, which loads this module for its schedule only."""
        telemetry.start_telemetry(settings, "worker")
        self._totals = Totals(settings.required_redis_url, settings.stream_name, "worker")
        self._totals.start()

    def after_process_message(
        self,
        _broker: dramatiq.Broker,
        message: dramatiq.MessageProxy,
        *,
        result: Any | None = None,
        exception: BaseException | None = None,
    ) -> None:
        """A job was tried, for the first time or again."""
        metrics.job_ran(message.actor_name, failed=exception is not None)

    def after_worker_shutdown(self, _broker: dramatiq.Broker, _worker: dramatiq.Worker) -> None:
        """After the last job and the last batch."""
        self._totals.stop()
        telemetry.stop_telemetry()


broker.add_middleware(ObservingMiddleware())
broker.add_middleware(ConsumerMiddleware())
for _module in ACTOR_MODULES:
    importlib.import_module(_module)
