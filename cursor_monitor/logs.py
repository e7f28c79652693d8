"""Logging for every process: one line each, the message constant, what varies as key=value behind it."""

from __future__ import annotations

import logging
import sys

from cursor_monitor.secrets.redaction import redact
from cursor_monitor.tracing import trace_id

_STANDARD = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}


class KeyValueFormatter(logging.Formatter):
    """`time level logger message key=value …`, traces and all without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        facts = {**record.__dict__, "trace_id": trace_id()}
        extras = {k: v for k, v in facts.items() if k not in _STANDARD and v is not None}
        return redact(line + "".join(f" {key}={value!r}" for key, value in extras.items()))


def configure_logging(level: str) -> None:
    """Send everything from `level` up to stderr; libraries speak only when something is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(KeyValueFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("httpx", "httpcore", "apscheduler", "sqlalchemy"):
        logging.getLogger(name).setLevel(logging.WARNING)
