"""Importing a page registers it."""

from cursor_monitor.pages import new_orchestration, orchestration, orchestrations

__all__ = ["new_orchestration", "orchestration", "orchestrations"]
