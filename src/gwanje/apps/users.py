"""Users of their own (서비스별 운영체제 사용자): who each process is, whose each folder is, how a centre is given both.

Accounts of these names (`deploy/systemd/gwanje.sysusers`) when all exist; else numbers nobody has, kept in the
folder's config. Root sets a folder up once, and only folders that root owns are ever changed again: a service cannot
lead root to a file by a link.
"""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import gwanje
from gwanje.apps.unprivileged import Forbidden, Identity, become
from gwanje.kernel import keys, refusals
from gwanje.kernel.home import Home

ACCOUNTS = {
    "db": "gwanje-db", "vaultd": "gwanje-vault", "web": "gwanje-web", "worker": "gwanje-worker",
    "recorder": "gwanje-recorder", "player": "gwanje-player", "uploader": "gwanje-uploader",
    "simulator": "gwanje-simulator",
}  # fmt: skip
# all: config, public keys, vaultd's door; app: the database's app role; store: may come into the store
GROUPS = {"all": "gwanje", "app": "gwanje-app", "store": "gwanje-store"}
MEMBERS = {
    "all": tuple(ACCOUNTS), "app": ("web", "worker", "recorder", "uploader"),
    "store": ("recorder", "player", "worker", "uploader"),
    # the recorder's own group writes sealed files: these destroy them, and take them behind the disk
    "recorder": ("worker", "uploader"),
}  # fmt: skip
OWNERS = {
    "web.key": "web", "django.key": "web", "recorder.key": "recorder", "recorder.seal.key": "recorder",
    "player.key": "player", "worker.key": "worker", "checker.key": "worker", "vaultd.key": "vaultd",
    "token.pin": "vaultd", "pg-owner": "db", "pg-super": "db", "pg-auditor": "db", "roles.sql": "db",
}  # fmt: skip
SHARED = {"pg-app": "app", "s3.json": "store"}
FIRST_NUMBER, BLOCK, BLOCKS = 61_200, 16, 260


def _named() -> tuple[dict[str, int], dict[str, int]] | None:
    try:
        people = {service: pwd.getpwnam(name) for service, name in ACCOUNTS.items() if service != "simulator"}
        gids = {key: grp.getgrnam(name).gr_gid for key, name in GROUPS.items()}
    except KeyError:
        return None
    uids = {service: entry.pw_uid for service, entry in people.items()}
    gids |= {service: entry.pw_gid for service, entry in people.items()}
    # the simulator is a demonstration's: it has no account and goes as who films
    return uids | {"simulator": uids["recorder"]}, gids | {"simulator": gids["recorder"]}


def _taken() -> set[int]:
    """Numbers that somebody has: accounts, groups, running processes."""
    used = {entry.pw_uid for entry in pwd.getpwall()} | {entry.gr_gid for entry in grp.getgrall()}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            used.add(path.stat().st_uid)
    return used


def _numbers(home: Home) -> tuple[dict[str, int], dict[str, int]]:
    """A block of numbers for a machine without the accounts: by the folder's name, the next one where it is taken."""
    used, start = _taken(), int.from_bytes(hashlib.sha256(os.fsencode(home.root)).digest()[:4], "big")
    for step in range(BLOCKS):
        first = FIRST_NUMBER + BLOCK * ((start + step) % BLOCKS)
        if used.isdisjoint(range(first, first + BLOCK)):
            uids = {service: first + place for place, service in enumerate(ACCOUNTS)}
            groups = {key: first + len(ACCOUNTS) + place for place, key in enumerate(GROUPS)}
            return uids, {**uids, **groups}
    raise Forbidden("비어 있는 사용자 번호가 없습니다 / no free user numbers on this machine")


def identity(home: Home, service: str) -> Identity:
    """Who a service is in a folder whose processes have users of their own."""
    uids, gids = home.config["service_uids"], home.config["service_gids"]
    groups = [gids[key] for key, members in MEMBERS.items() if service in members]
    return Identity(int(uids[service]), int(gids[service]), tuple(groups), home.umask(service))


def needed(home: Home) -> list[Path]:
    """Places that every process must be able to walk to: interpreter, packages, this program, the data folder."""
    package = Path(gwanje.__file__).resolve().parent
    checkout = package.parents[1]
    code = checkout if (checkout / "pyproject.toml").is_file() else package
    places = [Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), code, home.root]
    # below the folder its own modes say who comes in
    return places if home.run.is_relative_to(home.root) else [*places, home.run]


def problem(home: Home) -> str:
    """Why this machine cannot give processes users of their own; empty when it can. Tried in a child."""
    if os.geteuid() != 0:
        return "root로 실행해야 합니다 / only root can start processes as other users"
    child = os.fork()
    if child == 0:
        try:
            become(Identity(FIRST_NUMBER, FIRST_NUMBER), needed(home))
            # nothing below the data folder is asked for: whose it is may not be settled yet
            os.execv(sys.executable, [sys.executable, "-I", "-c", "import django, psycopg"])  # noqa: S606 - ourselves
        finally:
            os._exit(3)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code == 0:
        return ""
    return (
        "이 시스템은 다른 사용자로의 전환이나 마운트 네임스페이스를 허용하지 않습니다 / "
        f"this machine allows no other users or no mount namespaces (exit {code})"
    )


# --- whose is what ----------------------------------------------------------------------------------------------------


def _set(path: Path, uid: int, gid: int, mode: int) -> None:
    """Owner, group and mode of one thing that is no link, in a folder that only root writes to."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.fchown(handle, uid, gid)
        os.fchmod(handle, mode)
    finally:
        os.close(handle)


def _folder(path: Path, uid: int, gid: int, mode: int) -> None:
    path.mkdir(exist_ok=True, mode=0o700)
    _set(path, uid, gid, mode)


def _below(path: Path) -> Iterator[tuple[Path, bool]]:
    for base, folders, names in os.walk(path):
        yield from ((Path(base, name), True) for name in folders)
        yield from ((Path(base, name), False) for name in names)


def _hand_over(path: Path, who: Identity, modes: tuple[int, int] | None = None) -> None:
    """Give a whole tree to a user; done once, while root alone has written to it. ``modes``: of folders, of files."""
    for each, folder in _below(path):
        os.chown(each, who.uid, who.gid, follow_symlinks=False)
        if modes and not each.is_symlink():
            each.chmod(modes[0] if folder else modes[1])


def _write(home: Home, config: dict[str, object], gid: int) -> None:
    part = home.config_file.with_suffix(".tmp")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text(json.dumps(config, indent=1, ensure_ascii=False))
    _set(part, 0, gid, 0o640)
    os.replace(part, home.config_file)


def arrange(home: Home) -> Home:
    """Give every process of a folder its user and every folder its owner; root only, safe to repeat.

    The centre must not run, and its keystore and database stand (`gwanje init`). Returns the folder, read anew.
    Forbidden when the folder is another user's, or this is not root.
    """
    if os.geteuid() != 0 or home.root.stat().st_uid != 0:
        raise Forbidden(
            "자료 폴더를 root가 새로 만들어야 합니다 / processes get users of their own in a folder that root made"
        )
    first = not home.separate
    if first:
        uids, gids = _named() or _numbers(home)
        uids |= {"checker": uids["worker"], "console": uids["vaultd"]}
        _write(home, {**home.config, "service_uids": uids, "service_gids": gids}, gids["all"])
        home = Home(home.root)
    who = {service: identity(home, service) for service in ACCOUNTS}
    gids = home.config["service_gids"]
    _move_spool(home)
    _folders(home, who, gids)
    if first:
        _hand_over(home.vault, who["vaultd"])
        _hand_over(home.root / "pg", who["db"])
        _hand_over(home.store, who["recorder"], (0o775, 0o664))
        lock = home.store / ".uploader.lock"
        lock.touch(mode=0o600)
        _set(lock, who["uploader"].uid, who["uploader"].gid, 0o600)
        _hand_over(home.root / "out", who["worker"])
        for name in ("index", "retention", *(f"refusals/{service}" for service in refusals.SAYS)):
            owner = {"index": "recorder", "retention": "worker"}.get(name, name.rpartition("/")[2])
            _hand_over(home.spool / name, who[owner])
    _secrets(home, who, gids)
    for name in ("recorder.json", "clock.json", "boundary.geojson"):
        with suppress(FileNotFoundError):
            _set(home.root / name, 0, gids["all"], 0o640)
    return home


def _folders(home: Home, who: dict[str, Identity], gids: dict[str, int]) -> None:
    """Every folder that root owns, or that is the first of a service's own."""
    every = gids["all"]
    for path in (home.run, home.spool, home.spool / "refusals", home.secrets):
        _folder(path, 0, every, 0o750)
    _folder(home.root / "log", 0, 0, 0o700)
    _folder(home.vault, who["vaultd"].uid, who["vaultd"].gid, 0o700)
    _folder(home.root / "out", who["worker"].uid, every, 0o750)
    _folder(home.root / "clips", who["simulator"].uid, who["simulator"].gid, 0o700)
    _folder(home.store, who["recorder"].uid, gids["store"], 0o750)
    if (home.root / "pg").is_dir():
        _folder(home.root / "pg", who["db"].uid, who["db"].gid, 0o700)
    _folder(home.index_spool, who["recorder"].uid, who["recorder"].gid, 0o700)
    # samples: the worker's, read by the process that vaultd's user starts
    _folder(home.spool / "retention", who["worker"].uid, who["vaultd"].gid, 0o2750)
    for service in refusals.SAYS:
        # facts: written by who speaks, taken away by the worker
        _folder(home.spool / "refusals" / service, who[service].uid, who["worker"].gid, 0o2770)
    _folder(home.door("vaultd"), who["vaultd"].uid, every, 0o2750)
    _folder(home.door("db"), who["db"].uid, gids["app"], 0o2750)
    _set(home.root, 0, every, 0o2750)


def _move_spool(home: Home) -> None:
    """What waited under one user goes to where its own user looks; nothing that waits is lost."""
    home.index_spool.mkdir(exist_ok=True, mode=0o700)
    for path in (*home.spool.glob("index-*.jsonl"), home.spool / "sources.json"):
        if path.is_file() and not path.is_symlink():
            os.replace(path, home.index_spool / path.name)
    common = home.spool / "refusals"
    common.mkdir(exist_ok=True, mode=0o700)
    for service in refusals.SAYS:
        (common / service).mkdir(exist_ok=True, mode=0o700)
        for end in ("jsonl", "draining", "lock"):
            path = common / f"{service}.{end}"
            if path.is_file() and not path.is_symlink():
                os.replace(path, common / service / path.name)


def _secrets(home: Home, who: dict[str, Identity], gids: dict[str, int]) -> None:
    """Each secret to its own service; a public key to all, a shared password to the group that needs it."""
    keys.signing_key(home, "vaultd", create=True)
    with suppress(FileExistsError):
        # the web's, which cannot make it: whoever reads the settings first would
        keys.write_secret(home.secrets / "django.key", secrets.token_urlsafe(48).encode())
    for path in sorted(home.secrets.iterdir()):
        if not stat.S_ISREG(path.lstat().st_mode):
            continue
        if path.suffix == ".pub":
            _set(path, 0, gids["all"], 0o640)
        elif path.name in SHARED:
            _set(path, 0, gids[SHARED[path.name]], 0o640)
        else:
            owner = who.get(OWNERS.get(path.name, ""))
            _set(path, owner.uid if owner else 0, owner.gid if owner else 0, 0o600)
