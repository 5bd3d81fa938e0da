"""A run of reminders that somebody waits for: the same job, ended in good order when they have waited long enough."""

import threading

from app.jobs import reminder
from app.notifications import service

WAIT_SECONDS = 20
_one_at_a_time = threading.Lock()


def send_now(seconds: float = WAIT_SECONDS) -> tuple[service.Run, bool]:
    """Send what is due for at most so long, and tell what happened and whether time was up before it was through.

    What is left goes with the next run of the schedule. `busy` when another run is on its way.
    """
    if not _one_at_a_time.acquire(blocking=False):
        return service.Run(busy=True), False
    late = threading.Event()

    def stop() -> None:
        late.set()
        reminder.stopping.set()

    timer = threading.Timer(seconds, stop)
    timer.daemon = True
    timer.start()
    try:
        run = reminder.send_daily_reminders()
        return run, late.is_set() and run.stopped is not None
    finally:
        timer.cancel()
        timer.join()
        if late.is_set():
            reminder.stopping.clear()
        _one_at_a_time.release()
