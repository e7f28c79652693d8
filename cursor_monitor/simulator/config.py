"""What the simulator can be told at its start."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cursor_monitor.settings import SettingsError

MIN_SCALE, MAX_SCALE = 0.0001, 1000.0


@dataclass(frozen=True, slots=True)
class SimConfig:
    """Start values; `time_scale` multiplies every invented duration, `seed` None means a random one."""

    host: str = "127.0.0.1"
    port: int = 3900
    time_scale: float = 1.0
    seed: str | None = None
    state_file: Path | None = None
    plan_dir: Path | None = None
    repositories_limit: bool = True
    max_repos: int = 20
    stream_retention_seconds: int = 86_400


def load_config(environ: Mapping[str, str] | None = None) -> SimConfig:
    """Read the environment; raise SettingsError that names the variable and gives an example."""
    read = _Reader(os.environ if environ is None else environ)
    return SimConfig(
        host=read.text("SIMULATOR_HOST") or "127.0.0.1",
        port=int(read.number("SIMULATOR_PORT", 3900, 1, 65535, int)),
        time_scale=read.number("SIM_TIME_SCALE", 1.0, MIN_SCALE, MAX_SCALE, float),
        seed=read.text("SIM_SEED"),
        state_file=read.path("SIM_STATE_FILE"),
        plan_dir=read.path("SIM_PLAN_DIR"),
        repositories_limit=read.switch("SIM_REPOSITORIES_LIMIT", True),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    environ: Mapping[str, str]

    def text(self, name: str) -> str | None:
        return self.environ.get(name, "").strip() or None

    def path(self, name: str) -> Path | None:
        value = self.text(name)
        return Path(value) if value else None

    def switch(self, name: str, default: bool) -> bool:
        value = self.text(name)
        if value is None:
            return default
        if value.lower() not in ("on", "off"):
            raise SettingsError(f"{name}: must be on or off, not {value!r}; example: {name}=off")
        return value.lower() == "on"

    def number(self, name: str, default: float, low: float, high: float, kind: Callable[[str], float]) -> float:
        value = self.text(name)
        if value is None:
            return default
        wrong = SettingsError(
            f"{name}: must be a number from {low} to {high}, not {value!r}; example: {name}={default}"
        )
        try:
            number = kind(value)
        except ValueError:
            raise wrong from None
        if not low <= number <= high:
            raise wrong
        return number
