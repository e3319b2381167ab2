"""Unprivileged start (비특권 실행): PostgreSQL refuses uid 0, so root starts it as somebody else without useradd.

First way: a user namespace that shows root as ``nobody``; files stay root's. Second way, where namespaces are
forbidden (containers) or the folders are not root's: uid ``nobody`` that keeps one capability, CAP_DAC_OVERRIDE,
so that no parent folder needs another mode. Only the child is changed, right before ``exec``.

Where each process has a user of its own (``Identity``), root becomes it for good: real uid, no capability, nothing
gained by any program it starts, other users' processes unseen. What lies below somebody's closed home (an interpreter,
a checkout) is shown to it in a mount namespace of its own, and nothing else of that home.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import resource
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CLONE_NEWUSER, CLONE_NEWNS = 0x10000000, 0x20000
MS_BIND, MS_REC, MS_PRIVATE, MS_NOSUID_NODEV = 0x1000, 0x4000, 1 << 18, 2 | 4
PR_SET_PDEATHSIG, PR_SET_KEEPCAPS, PR_SET_SECUREBITS, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 1, 8, 28, 38, 47
SECBIT_NO_SETUID_FIXUP = 1 << 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


class Forbidden(PermissionError):
    """The machine allows neither a user namespace nor a capability: run as an ordinary user instead."""


def _call(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise Forbidden(code, f"{what}: {os.strerror(code)}")


def die_with_parent(number: int = signal.SIGKILL, parent: int | None = None) -> None:
    """Let the kernel send ``number`` to this process when its parent ends (PR_SET_PDEATHSIG).

    ``parent``: the pid that it should have; when that one is gone already, the process ends at once.
    """
    _libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def nobody() -> tuple[int, int]:
    """uid and gid of an account that exists on every machine (initdb asks for its name)."""
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        entry = next(e for e in pwd.getpwall() if e.pw_uid != 0)
    return entry.pw_uid, entry.pw_gid


def _enter_namespace() -> None:
    uid, gid = nobody()
    outside_uid, outside_gid = os.geteuid(), os.getegid()
    _call(_libc.unshare(CLONE_NEWUSER), "unshare")
    # the order is the kernel's: setgroups must be denied before an unprivileged gid map is accepted
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {outside_uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {outside_gid} 1")


def _keep_one_capability() -> None:
    uid, gid = nobody()
    # initdb looks for its neighbours with access(2), which leaves capabilities out unless this bit is set
    _call(_libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0), "securebits")
    _call(_libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "keepcaps")
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    mask = 1 << CAP_DAC_OVERRIDE
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask, 0, 0, 0)
    _call(_libc.capset(header, sets), "capset")
    _call(_libc.prctl(PR_CAP_AMBIENT, 2, CAP_DAC_OVERRIDE, 0, 0), "ambient capability")


@dataclass(frozen=True)
class Identity:
    """A user of the operating system: uid, primary gid, other groups, and what it takes from the modes of its files."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    umask: int = 0o077


def _closed_above(path: Path) -> Path | None:
    """The uppermost folder on the way to ``path`` that others may not walk through."""
    return next((each for each in reversed(path.parents) if not each.stat().st_mode & 0o001), None)


def _mount(source: str, target: Path, kind: str, flags: int, data: str = "") -> None:
    told = _libc.mount(source.encode(), os.fsencode(target), kind.encode(), flags, data.encode())
    _call(told, f"mount {target}")


def show(needed: Sequence[Path]) -> None:
    """Make a mount namespace in which anybody may walk to ``needed``; Forbidden where the machine has none.

    A closed folder on the way is covered by an empty one with just these places in it; processes of other users are
    not seen in ``/proc``.
    """
    places = [path for path in dict.fromkeys(needed) if path.exists()]
    _call(_libc.unshare(CLONE_NEWNS), "unshare")
    _mount("none", Path("/"), "none", MS_REC | MS_PRIVATE)
    covers: dict[Path, list[tuple[int, Path]]] = {}
    for path in places:
        if cover := _closed_above(path):
            covers.setdefault(cover, []).append((os.open(path, os.O_PATH | os.O_CLOEXEC), path))
    for cover, below in covers.items():
        _mount("tmpfs", cover, "tmpfs", MS_NOSUID_NODEV, "mode=0755,size=1m")
        for handle, path in sorted(below, key=lambda each: len(each[1].parts)):
            path.mkdir(parents=True, exist_ok=True)
            _mount(f"/proc/self/fd/{handle}", path, "none", MS_BIND | MS_REC)
    for below in covers.values():
        for handle, _ in below:
            os.close(handle)
    _mount("proc", Path("/proc"), "proc", MS_NOSUID_NODEV, "hidepid=invisible")


def become(who: Identity, needed: Sequence[Path] = (), *, locks: bool = False) -> None:
    """Become another user for good; only root can. ``locks``: it may lock all of its memory."""
    os.umask(0o022)
    show(needed)
    if locks:
        # a container's root may not raise it: then vaultd says in its log that its memory is not locked
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_MEMLOCK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    os.setgroups(who.groups)
    os.setresgid(who.gid, who.gid, who.gid)
    os.setresuid(who.uid, who.uid, who.uid)
    _call(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    os.umask(who.umask)


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=True)


def _works(enter: str, paths: Sequence[Path]) -> bool:
    """Try in a child, because neither way can be undone: may it run the first path and write the others?"""
    child = os.fork()
    if child == 0:
        try:
            _WAYS[enter]()
            good = _may(paths[0], os.X_OK) and all(_may(p, os.W_OK | os.X_OK) for p in paths[1:])
            os._exit(0 if good else 1)
        except OSError:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


_WAYS = {"namespace": _enter_namespace, "capability": _keep_one_capability}


def way(paths: Sequence[Path]) -> str:
    """How this process can run ``paths[0]`` with write access to the folders ``paths[1:]``.

    ``plain`` (not root), ``namespace`` or ``capability``; Forbidden with both languages when none works.
    """
    if os.geteuid() != 0:
        return "plain"
    wanted = os.environ.get("GWANJE_ROOT_WAY")
    for name in [wanted] if wanted in _WAYS else list(_WAYS):
        if _works(name, paths):
            return name
    raise Forbidden(
        "PostgreSQL은 root로 실행되지 않는데, 이 시스템은 사용자 네임스페이스와 권한 위임을 모두 막고 있습니다. "
        "일반 사용자로 실행하거나 GWANJE_DATABASE_URL에 서버 주소를 지정하십시오. / "
        "PostgreSQL refuses to run as root, and this machine forbids user namespaces and capabilities. "
        "Run as an ordinary user, or name a server in GWANJE_DATABASE_URL."
    )


def owner(how: str) -> tuple[int, int]:
    """uid and gid (as seen from outside) that must own the database's files."""
    return nobody() if how == "capability" else (os.geteuid(), os.getegid())


def execute(
    how: str | Identity, argv: Sequence[str], death: int | None = None, parent: int | None = None,
    needed: Sequence[Path] = (),
) -> None:  # fmt: skip
    """Become ``argv``; never returns. ``death``: signal to get when the parent ends."""
    if isinstance(how, Identity):
        become(how, needed)
    elif how != "plain":
        _WAYS[how]()
    # a change of credentials clears the death signal, so it is set last
    if death is not None:
        die_with_parent(death, parent)
    os.execv(argv[0], list(argv))  # noqa: S606 - the absolute path of our own wheel's binary
