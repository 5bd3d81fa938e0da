"""What can go wrong on the way up, as errors whose message a person at a terminal can act on."""

from app.errors import AppError


class StackError(AppError):
    """A part of the stack cannot run as asked. The message says which, why, and what to do."""

    code = "stack"
    title = "The stack cannot run"


class StartCancelled(StackError):
    """Somebody asked for a stop while a part was still starting. Nothing is wrong."""

    code = "start_cancelled"
    title = "The start was cancelled"
