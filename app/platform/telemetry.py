"""Traces for whoever sets OTEL_EXPORTER_OTLP_ENDPOINT: one from the door over the stream to the committed batch.

Nothing of OpenTelemetry is imported here before that, and without it each of these functions is one comparison. The
trace of a request travels in its stream entry as a W3C traceparent. No span holds what people sent: no bodies, no
values of query parameters, no messages of errors.
"""

import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, TypeVar
from urllib.parse import parse_qsl

from app import __version__
from app.config import Settings
from app.platform.logs import get_logger

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Link, Tracer

log = get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")
Fields = Mapping[bytes, bytes]
Kind = Literal["internal", "producer", "consumer"]

FIELD = b"traceparent"
"""The field of a stream entry that holds the trace of its request (W3C Trace Context)."""
LAST_WORDS_SECONDS = 5.0
"""How long an ending process waits for a collector to take the last spans."""

_provider: "TracerProvider | None" = None
_tracer: "Tracer | None" = None


def start_telemetry(settings: Settings, process: str) -> "TracerProvider | None":
    """Begin to export spans if the settings name a collector; None otherwise. process: api, worker.

    Everything but the endpoint is read by the SDK from the environment, under its standard names: OTEL_SERVICE_NAME,
    OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER and the like.
    """
    global _provider, _tracer  # noqa: PLW0603  (one exporter per process)
    endpoint = settings.otel_exporter_otlp_endpoint
    if endpoint is None:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import SpanLimits, SpanProcessor, TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        log.warning("no traces: the packages are not installed", error=str(error))
        return None

    class WithoutValues(SpanProcessor):
        """Of a query string only the names of its parameters leave the house: values are learners' addresses."""

        def on_start(self, span: Any, parent_context: "Context | None" = None) -> None:
            """Called with each span before anybody else sees it."""
            if query := (span.attributes or {}).get("url.query"):
                names = [name for name, _ in parse_qsl(str(query), keep_blank_values=True)]
                span.set_attribute("url.query", "&".join(f"{name}=" for name in names))

    stop_telemetry()
    attributes = {"service.version": __version__}
    if "OTEL_SERVICE_NAME" not in os.environ:
        attributes["service.name"] = f"7taps-analytics-{process}"
    _provider = TracerProvider(
        resource=Resource.create(attributes),
        # A batch is linked to each of its entries, so that no request's trace ends at the stream.
        span_limits=SpanLimits(max_links=settings.loader_batch_entries),
        shutdown_on_exit=False,
    )
    _provider.add_span_processor(WithoutValues())
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")))
    _tracer = _provider.get_tracer("seventaps", __version__)
    log.info("traces are exported", process_name=process)
    return _provider


def of_the_doors(provider: "TracerProvider | None") -> Any:
    """What the web framework is to do about telemetry: a span for each request where spans are wanted, else nothing."""
    return {
        "tracing": provider is not None,
        "tracer_provider": provider,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
        "exclude": lambda scope: scope["path"].startswith(("/health", "/metrics")),
    }


def stop_telemetry() -> None:
    """Export what is left, for a bounded time, and be silent from then on."""
    global _provider, _tracer
    provider, _provider, _tracer = _provider, None, None
    if provider is not None:
        ending = threading.Thread(target=provider.shutdown, name="telemetry-shutdown", daemon=True)
        ending.start()
        ending.join(LAST_WORDS_SECONDS)


def traceparent() -> str:
    """The current span as a W3C traceparent, for a stream entry; empty where nobody traces."""
    if _tracer is None:
        return ""
    from opentelemetry.trace import get_current_span  # noqa: PLC0415

    context = get_current_span().get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def answered(route: str) -> None:
    """The request of the current span was answered on the short way, where no router could name it."""
    if _tracer is None:
        return
    from opentelemetry.trace import get_current_span  # noqa: PLC0415

    span: Any = get_current_span()
    if span.is_recording():
        span.update_name(f"{span.attributes.get('http.request.method', '')} {route}".strip())
        span.set_attributes({"http.route": route, "seventaps.short_way": True})


def span(name: str, kind: Kind = "internal", **attributes: str | int) -> AbstractContextManager[None]:
    """A span around a `with` block, below the current one. An error that passes through is noted by its type only."""
    return _NOTHING if _tracer is None else _span(_tracer, name, kind, attributes)


def batch(messages: Sequence[tuple[str, Fields]]) -> AbstractContextManager[None]:
    """A span around the handling of stream entries, linked to the request of each.

    If all of them come from one trace (most of all, a single one) it continues that trace; otherwise it begins one.
    """
    if _tracer is None or not messages:
        return _NOTHING
    links, parent = _origins(messages)
    sent: dict[str, str | int] = {"messaging.operation.type": "process", "messaging.batch.message_count": len(messages)}
    return _span(_tracer, "statements.batch", "consumer", sent, links, parent=parent)


def traced(name: str, kind: Kind = "internal") -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator: each call is a span."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def calling(*args: P.args, **kwargs: P.kwargs) -> R:
            if _tracer is None:
                return function(*args, **kwargs)
            with span(name, kind):
                return function(*args, **kwargs)

        return calling

    return decorate


def traced_async(
    name: str, kind: Kind = "internal"
) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Decorator of coroutine functions: each call is a span."""

    def decorate(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        async def tracing(*args: P.args, **kwargs: P.kwargs) -> R:
            with span(name, kind):
                return await function(*args, **kwargs)

        @wraps(function)
        def calling(*args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
            return (function if _tracer is None else tracing)(*args, **kwargs)

        return calling

    return decorate


def traced_batch(
    handle: Callable[Concatenate[S, Sequence[tuple[str, Fields]], P], R],
) -> Callable[Concatenate[S, Sequence[tuple[str, Fields]], P], R]:
    """Decorator of a method that handles stream entries: each call is a span as `batch` makes it."""

    @wraps(handle)
    def handling(self: S, messages: Sequence[tuple[str, Fields]], /, *args: P.args, **kwargs: P.kwargs) -> R:
        with batch(messages):
            return handle(self, messages, *args, **kwargs)

    return handling


_NOTHING: AbstractContextManager[None] = nullcontext()


@contextmanager
def _span(
    tracer: "Tracer",
    name: str,
    kind: Kind,
    attributes: Mapping[str, str | int],
    links: "Sequence[Link]" = (),
    *,
    parent: "Context | None" = None,
) -> Iterator[None]:
    from opentelemetry.trace import SpanKind, StatusCode  # noqa: PLC0415

    with tracer.start_as_current_span(
        name,
        parent,
        SpanKind[kind.upper()],
        attributes,
        links,
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield
        except Exception as error:
            current.set_attribute("error.type", type(error).__qualname__)
            current.set_status(StatusCode.ERROR)
            raise


def _origins(messages: Sequence[tuple[str, Fields]]) -> "tuple[list[Link], Context | None]":
    """A link to the request of each entry that names one, and the context that all of them continue, if it is one."""
    from opentelemetry.trace import Link, get_current_span  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    links, read = [], TraceContextTextMapPropagator()
    contexts = []
    for _, fields in messages:
        if given := fields.get(FIELD):
            context = read.extract({FIELD.decode(): given[:64].decode("latin-1")})
            origin = get_current_span(context).get_span_context()
            if origin.is_valid:
                links.append(Link(origin))
                contexts.append(context)
    alone = len(links) == len(messages) and len({link.context.trace_id for link in links}) == 1
    # Inside another batch, of which this is a half, the whole one is the parent.
    inside = get_current_span().get_span_context().is_valid
    return links, contexts[0] if alone and not inside else None
