"""From nothing to a page that answers, and once more."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import stack
from bench.figures import Figure

TITLE = "Start"
HOW = """\
The committed tree is unpacked into an empty folder: no `.venv`, no pages, no data. `make run` is started there with
ports of its own and with empty caches of pip and npm, so every package is fetched again. The clock runs from the
command to the moment when the product says that it is ready and `/orchestrations` answers with 200. After Ctrl-C the
same command is timed once more, which is the second start. How fast packages come depends on where the machine gets
them, so the list below says whether pip was set up to find some on the disk: elsewhere the download comes on top."""

FIRST_SECONDS = 180.0
SECOND_SECONDS = 15.0


def measure() -> list[Figure]:
    """Seconds from `make run` to a page, from nothing and with everything there."""
    with tempfile.TemporaryDirectory(prefix="cursor-monitor-bench-") as folder:
        tree = Path(folder) / "tree"
        _unpack(tree)
        return [
            _start("start_from_nothing", Path(folder), tree, FIRST_SECONDS),
            _start("start_again", Path(folder), tree, SECOND_SECONDS),
        ]


def _start(name: str, folder: Path, tree: Path, limit: float) -> Figure:
    with _made(folder, tree) as product:
        seconds = product.wait_until_ready()
        steps = [found for line in product.lines if (found := re.search(r"^\[\d/5\] (.*): done in ([\d.]+) s", line))]
        told = re.search(r"in (\d+) s\)", product.ready_line() or "")
        details = {"told by the run": f"{told[1]} s" if told else "nothing"}
        details |= {step[1]: f"{step[2]} s" for step in steps}
        if "Installing Python packages" in details:
            details["pip packages"] = _packages()
        return Figure(name, seconds, "s", limit, details=details)


@contextlib.contextmanager
def _made(folder: Path, tree: Path) -> Iterator[stack.Stack]:
    environ = stack.places(tree / ".data")
    environ |= {"PIP_CACHE_DIR": str(folder / "pip"), "NPM_CONFIG_CACHE": str(folder / "npm")}
    product = stack.Stack(["make", "--no-print-directory", "run"], tree, environ)
    try:
        yield product
    finally:
        product.stop()


def _packages() -> str:
    """Whether pip looks for packages on this disk, which makes an installation faster than most people's."""
    asked = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True)
    local = re.search(r"(find-links|index-url)=.*(file:|'/)", asked.stdout)
    return "from the disk, where found" if local else "from the network"


def _unpack(tree: Path) -> None:
    tree.mkdir()
    packed = subprocess.run(["git", "archive", "HEAD"], cwd=stack.ROOT, check=True, stdout=subprocess.PIPE)
    subprocess.run(["tar", "-x"], cwd=tree, input=packed.stdout, check=True)
