"""`make chaos`: one fault run, chosen by SEED, ORCHESTRATIONS and WORKERS; exit code 1 where anything is wrong."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from bench.machine import conditions
from chaos.counting import in_words
from chaos.report import entry, keep
from chaos.run import Outcome, Plan, run


def main() -> int:
    """Run, tell, and keep what everybody said where something is wrong; 2 for a number that cannot be."""
    try:
        plan = Plan(
            seed=_seed(),
            orchestrations=round(_number("ORCHESTRATIONS", 50, 1, 5000)),
            workers=round(_number("WORKERS", 3, 1, 20)),
            time_scale=_number("SIM_TIME_SCALE", 0.3, 0.01, 10),
            gap_seconds=_number("GAP_SECONDS", 3.0, 0.1, 600),
        )
    except ValueError as error:
        print(f"chaos: {error}", file=sys.stderr)
        return 2
    folder = Path(tempfile.mkdtemp(prefix="cm-chaos-"))
    print(
        f"seed {plan.seed}: {plan.orchestrations} orchestrations, {plan.workers} workers; logs in {folder}", flush=True
    )
    known = conditions(os.getloadavg()[0])
    outcome = run(plan, folder, lambda line: print(line, flush=True))
    _tell(plan, outcome)
    if os.environ.get("REPORT", "").strip():
        keep(entry(plan, outcome, known))
    if not outcome.violations:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if outcome.violations else 0


def _tell(plan: Plan, outcome: Outcome) -> None:
    print("\n".join(in_words(outcome.figures)))
    for wrong in outcome.violations:
        print(f"VIOLATION {wrong}")
    print(f"seed {plan.seed}: {len(outcome.violations)} violations in {outcome.seconds:.0f} s", flush=True)


def _seed() -> str:
    seed = os.environ.get("SEED", "").strip() or secrets.token_hex(4)
    if not re.fullmatch(r"[\w-]{1,40}", seed):
        raise ValueError(
            f"SEED: must be up to 40 letters, digits, - and _, as a report is named by it, not {seed[:60]!r}"
        )
    return seed


def _number(name: str, default: float, low: float, high: float) -> float:
    text = os.environ.get(name, "").strip()
    kind = type(default)
    try:
        value = kind(text) if text else default
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise ValueError(f"{name}: must be a number from {low:g} to {high:g}, not {text[:40]!r}")
    return value


if __name__ == "__main__":
    sys.exit(main())
