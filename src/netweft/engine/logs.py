"""Logs: on standard error, as text for people or as JSON lines for machines, never with secrets."""

from __future__ import annotations

import logging
import sys
from typing import TextIO, cast

import structlog

_SECRET = ("password", "token", "secret", "authorization", "cookie", "private_key")


class _StandardError:
    """Standard error as it is when something is written: it may be another file than when logging was configured, which
    may be closed by then.
    """

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure_logging(level: str, *, as_json: bool) -> None:
    """Log from now on what has at least this level. Values under names that sound like secrets are left out."""
    destination = _StandardError()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            *(_json() if as_json else _text()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", destination)),
        cache_logger_on_first_use=True,
    )
    form = "%(levelname)s %(name)s: %(message)s"
    logging.basicConfig(stream=destination, level=logging.WARNING, format=form, force=True)


def _json() -> list[structlog.typing.Processor]:
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]


def _text() -> list[structlog.typing.Processor]:
    # The plain traceback: structlog's usual one prints the values of variables, secrets among them.
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


def _without_secrets(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for name in event:
        if any(part in name.lower() for part in _SECRET):
            event[name] = "(left out)"
    return event
