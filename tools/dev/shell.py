"""Environment and processes of `./dev`: paths, caches, certificates, one way to run a tool and to say so."""

from __future__ import annotations

import configparser
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")
BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


class Failed(Exception):
    """A step failed; the message says what, why and what next."""


def say(text: str) -> None:
    """One progress line on stderr: stdout belongs to the command."""
    print(f"  {text}", file=sys.stderr, flush=True)


def _writable_home() -> bool:
    home = os.environ.get("HOME", "")
    return bool(home) and home != "/" and os.access(home, os.W_OK | os.X_OK)


def pip_setting(name: str) -> str:
    """A setting of pip's own configuration (environment first, then its files), or an empty text."""
    given = os.environ.get("PIP_" + name.upper().replace("-", "_"))
    if given:
        return given
    home = Path(os.environ.get("HOME") or "/nonexistent")
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path("/etc/pip.conf"), home / ".pip/pip.conf", config / "pip/pip.conf"]
    parser = configparser.ConfigParser(interpolation=None)
    parser.read([f for f in files if f.is_file()], encoding="utf-8")
    return parser.get("global", name, fallback="").strip()


def prepare() -> None:
    """Set the environment that every command below inherits: no downloads of Pythons, sbin folders, certificates."""
    env = os.environ
    # uv_python_downloads=never: only the system's interpreter is used; certificates are the system's, too
    env["UV_SYSTEM_CERTS"], env["UV_PYTHON_DOWNLOADS"], env["UV_NO_PROGRESS"] = "1", "never", "1"
    env.setdefault("UV_LINK_MODE", "copy" if not _writable_home() else "hardlink")
    env["UV_PROJECT_ENVIRONMENT"] = str(VENV)
    env["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
    paths = env.get("PATH", os.defpath).split(os.pathsep)
    env["PATH"] = os.pathsep.join([*paths, *(p for p in SBIN if p not in paths)])
    env.pop("VIRTUAL_ENV", None)
    env.pop("PYTHONHOME", None)
    env.setdefault("LANG", "C.UTF-8")
    env.setdefault("LC_ALL", "C.UTF-8")
    cert = pip_setting("cert") or (str(BUNDLE) if BUNDLE.is_file() else "")
    if cert and os.path.isfile(cert):
        env.setdefault("SSL_CERT_FILE", cert)
        env.setdefault("NODE_EXTRA_CA_CERTS", cert)
    if index := pip_setting("index-url"):
        env.setdefault("UV_DEFAULT_INDEX", index)
    if not _writable_home():
        CACHE.mkdir(exist_ok=True)
        env["HOME"] = str(CACHE / "home")
        Path(env["HOME"]).mkdir(exist_ok=True)


def run(argv: Sequence[str | Path], *, quiet: bool = True, cwd: Path = ROOT, what: str = "") -> None:
    """Run a tool; Failed with the end of its output. ``quiet``: its output is shown only when it fails."""
    line = [str(a) for a in argv]
    done = subprocess.run(line, cwd=cwd, capture_output=quiet, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        said = ((done.stdout or "") + (done.stderr or ""))[-4000:].strip() if quiet else ""
        raise Failed(f"{what or Path(line[0]).name} 실패 / failed (exit {done.returncode}): {' '.join(line)}\n{said}")


def works(argv: Sequence[str | Path]) -> str:
    """What a tool prints, or an empty text when it cannot run."""
    try:
        done = subprocess.run(
            [str(a) for a in argv], capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() or "ok" if done.returncode == 0 else ""


def which(name: str) -> Path | None:
    """A program on PATH."""
    found = shutil.which(name)
    return Path(found) if found else None


def digest(files: Iterable[Path], *extra: str) -> str:
    """SHA-256 over names and contents, in order of names."""
    state = hashlib.sha256("\0".join(extra).encode())
    for path in sorted(files):
        state.update(str(path.relative_to(ROOT)).encode() + b"\0")
        state.update(hashlib.sha256(path.read_bytes()).digest())
    return state.hexdigest()


class Stamp:
    """Remembers under ``.cache/stamps`` what a step was last done for."""

    def __init__(self, name: str, value: str) -> None:
        self.path, self.value = CACHE / "stamps" / name, value

    def fresh(self, *outputs: Path) -> bool:
        """True when the step was done for the same inputs and its outputs still stand."""
        return self.path.is_file() and self.path.read_text() == self.value and all(o.exists() for o in outputs)

    def done(self) -> None:
        """The step is done."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(self.value)


@contextmanager
def only_one(name: str) -> Iterator[None]:
    """Wait for another `./dev` in the same clone that does the same."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
