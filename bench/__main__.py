"""`python -m bench [part …]`: measure, print a table, keep the figures, write docs/benchmarks.md."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from bench.document import HEADS, row, write_document
from bench.figures import read_results, write_results
from bench.machine import conditions
from bench.parts import PARTS


def main(wanted: Sequence[str]) -> int:
    """Run the parts; 0 where every figure is within its limits, 1 where one is not, 2 for an unknown part."""
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        print(f"no part is named {', '.join(unknown)}; there are: {', '.join(PARTS)}", file=sys.stderr)
        return 2
    fresh: list[str] = []
    for name in wanted or PARTS:
        print(f"measuring {name}…", flush=True)
        fresh += _run(name)
    results = read_results()
    _print_table([HEADS, *(row(name, results[name]) for name in fresh)])
    return 0 if all(results[name]["met"] for name in fresh) else 1


def _run(name: str) -> list[str]:
    """Measure a part and write it down at once: a later part that fails does not cost the earlier ones."""
    load = os.getloadavg()[0]
    figures = PARTS[name].measure()
    known = conditions(load)
    results = read_results() | {figure.name: figure.entry(known) for figure in figures}
    order = [figure for part in PARTS.values() for figure in part.figures]
    results = {figure: results[figure] for figure in order if figure in results}
    write_results(results)
    write_document(results)
    return [figure.name for figure in figures]


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(HEADS))]
    for cells in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
