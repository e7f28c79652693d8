"""Pure decisions about orchestrations."""

from cursor_monitor.engine.decide import Decision, decide

__all__ = ["Decision", "decide"]
