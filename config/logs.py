"""Structured logs: one event name plus fields. Names, numbers and addresses never go in clear."""

import logging
import sys

import structlog

# Fields that would tell who somebody is. Ids stay: they are what an auditor follows.
PERSONAL = frozenset({"name", "resident_name", "phone", "number", "address", "place", "password", "token", "text"})


def _hide_personal(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: "***" if key in PERSONAL else value for key, value in event.items()}


def configure(level: str, *, json: bool) -> None:
    """Send every log line, also the libraries', to standard error."""
    number = logging.getLevelNamesMapping()[level.upper()]
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr, format="%(name)s %(message)s")
    render: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=24)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _hide_personal,
            structlog.processors.format_exc_info,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
