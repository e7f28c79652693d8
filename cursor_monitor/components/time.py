"""Moments and durations, in the viewer's zone, ticking by themselves: see assets/relative-time.js."""

from __future__ import annotations

from typing import Any

import reflex as rx


def age(moment: Any) -> rx.Component:
    """How long ago; the exact moment on hover."""
    return _time(moment, {})


def due(moment: Any) -> rx.Component:
    """In how long, or since when; the exact moment on hover."""
    return _time(moment, {"data-due": "true"})


def duration(start: Any, end: Any) -> rx.Component:
    """From start to end, or to now while there is no end."""
    return _time(start, {"data-until": rx.cond(end, end, "now")})


def _time(moment: Any, attributes: dict[str, Any]) -> rx.Component:
    value = moment.to(str) if isinstance(moment, rx.Var) else moment
    return rx.el.time(date_time=value, class_name="num", custom_attrs={"data-relative": "true", **attributes})
