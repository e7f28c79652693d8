"""The look in one place: the Radix theme, the fonts, and what each state looks like."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

STYLESHEETS = ["/styles.css"]


@dataclass(frozen=True, slots=True)
class Look:
    """How one state is shown: a tone of the stylesheet, an icon and a word, so that colour never stands alone."""

    tone: str
    icon: str
    word: str


LOOKS: dict[str, Look] = {
    # orchestrations and tasks
    "queued": Look("quiet", "clock", "Queued"),
    "pending": Look("quiet", "clock", "Waiting"),
    "running": Look("running", "loader", "Running"),
    "paused": Look("paused", "pause", "Paused"),
    "waiting": Look("person", "hand", "Needs approval"),
    "blocked": Look("person", "octagon-alert", "Blocked"),
    "completed": Look("good", "circle-check", "Completed"),
    "partial": Look("bad", "circle-minus", "Partial"),
    "error": Look("bad", "circle-x", "Failed"),
    "failed": Look("bad", "circle-x", "Failed"),
    "stopped": Look("gone", "circle-slash", "Stopped"),
    "skipped": Look("gone", "skip-forward", "Skipped"),
    "cancelled": Look("gone", "circle-slash", "Cancelled"),
    # jobs
    "processing": Look("running", "loader", "Processing"),
    "dead": Look("bad", "circle-x", "Dead letter"),
    # notifications and schedules
    "launched": Look("good", "rocket", "Launched"),
    "sent": Look("good", "circle-check", "Sent"),
    "dropped": Look("gone", "circle-slash", "Dropped"),
    # agents
    "working": Look("running", "loader", "Working"),
    "stuck": Look("person", "hourglass", "Stuck"),
    "deleted": Look("gone", "trash-2", "Deleted"),
    "finished": Look("good", "circle-check", "Finished"),
    "succeeded": Look("good", "circle-check", "Succeeded"),
    # the code host
    "open": Look("running", "git-pull-request", "Open"),
    "draft": Look("quiet", "git-pull-request-draft", "Draft"),
    "merged": Look("good", "git-merge", "Merged"),
    "closed": Look("gone", "git-pull-request-closed", "Closed"),
    "passed": Look("good", "circle-check", "Passed"),
    "under-way": Look("running", "loader", "Under way"),
    "none": Look("gone", "circle-dashed", "None"),
    # parts of the product
    "ok": Look("good", "circle-check", "OK"),
    "degraded": Look("person", "triangle-alert", "Degraded"),
    "down": Look("bad", "circle-x", "Down"),
    "unknown": Look("gone", "circle-help", "Unknown"),
    "online": Look("good", "circle-check", "Online"),
    "stale": Look("person", "triangle-alert", "Stale"),
    "offline": Look("bad", "circle-x", "Offline"),
    # accounts
    "active": Look("good", "circle-check", "In use"),
    "refused": Look("bad", "circle-x", "Refused"),
    # levels of events
    "info": Look("quiet", "info", "Info"),
    "success": Look("good", "circle-check", "Success"),
    "warning": Look("person", "triangle-alert", "Warning"),
}


class Fonts(rx.Fragment):
    """Brings the self-hosted fonts into the build; renders nothing."""

    lib_dependencies: list[str] = ["@fontsource-variable/inter@5.2.8", "@fontsource-variable/jetbrains-mono@5.2.8"]

    def add_imports(self) -> dict[str, str | list[str]]:
        """Import both font files for their side effect."""
        return {"": ["@fontsource-variable/inter/index.css", "@fontsource-variable/jetbrains-mono/index.css"]}


def build_theme() -> rx.Component:
    """Radix: slate and iris, light and dark alike, following the system until chosen."""
    return rx.theme(
        accent_color="iris",
        gray_color="slate",
        radius="medium",
        scaling="95%",
        panel_background="solid",
        has_background=True,
    )
