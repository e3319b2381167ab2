"""Data folder (자료 폴더): where every process of one centre finds its files, sockets and settings."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

from gwanje.kernel.clock import Clock
from gwanje.kernel.ids import uuid7

SOCKET_PATH_MAX = 100
# whose folder a socket lies in, where processes have users of their own
DOORS = {"vaultd": "vaultd", "console": "vaultd", "db": "db"}


@dataclass(frozen=True)
class Home:
    """One centre's data folder; ``config.json`` in it is written once by ``create`` and read by everybody."""

    root: Path

    @classmethod
    def find(cls, path: str | os.PathLike[str] | None = None) -> Home:
        """The folder named, else ``$GWANJE_DATA``, else ``./var``."""
        return cls(Path(path or os.environ.get("GWANJE_DATA") or "var").resolve())

    @classmethod
    def create(cls, root: Path, *, settable_clock: bool = False, port: int = 8800, **settings: Any) -> Home:
        """Make the folder (mode 0700) and its config; an existing folder keeps its identity and its clock."""
        home = cls(root.resolve())
        if home.config_file.exists() and home.separate:
            # whose each folder is was settled when the users were given theirs
            return home
        home.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.chmod(home.root, 0o700)
        if not home.config_file.exists():
            config = {
                "version": 1,
                "centre": str(uuid7()),
                "zone": "Asia/Seoul",
                "clock": "settable" if settable_clock else "wall",
                "port": port,
                **settings,
            }
            part = home.config_file.with_suffix(".tmp")
            part.touch(mode=0o600)
            part.chmod(0o600)
            part.write_text(json.dumps(config, indent=1, ensure_ascii=False))
            os.replace(part, home.config_file)
        for name in ("secrets", "log", "store", "spool", "vault", "out"):
            (home.root / name).mkdir(exist_ok=True, mode=0o700)
        return home

    @property
    def config_file(self) -> Path:
        return self.root / "config.json"

    @cached_property
    def config(self) -> dict[str, Any]:
        """Settings of the folder: centre, zone, clock, port, and what the demo added."""
        loaded: dict[str, Any] = json.loads(self.config_file.read_text())
        return loaded

    @property
    def separate(self) -> bool:
        """Has each process a user of its own here? ``service_uids`` and ``service_gids`` of the config say which."""
        try:
            return "service_gids" in self.config
        except (OSError, ValueError):
            # no folder yet, or one that cannot be read: whoever needs its settings says so
            return False

    def umask(self, service: str) -> int:
        """What a process of this folder takes from the modes of its files.

        0o077, but where processes have users of their own: there the folders say who comes in, and what a recorder
        seals is written by its group (the worker destroys it) and read by whoever the store lets in (the player).
        """
        return 0o077 if not self.separate else 0o002 if service in {"recorder", "uploader"} else 0o027

    @property
    def centre(self) -> UUID:
        """The centre's identity, 16 bytes in every segment header and exported id."""
        return UUID(self.config["centre"])

    @property
    def port(self) -> int:
        """The web port; recorder = +1, player = +2, signing pages = +3, simulated cameras (RTSP) = +20."""
        return int(os.environ.get("GWANJE_PORT") or self.config["port"])

    @cached_property
    def clock(self) -> Clock:
        """The one clock of this folder."""
        file = self.root / "clock.json" if self.config["clock"] == "settable" else None
        return Clock(file, self.config["zone"])

    @property
    def store(self) -> Path:
        """Sealed segment files: ``store/<class>/<epoch>/<slot>/<name>.gws``."""
        return self.root / "store"

    @property
    def spool(self) -> Path:
        """Index rows that wait for PostgreSQL."""
        return self.root / "spool"

    @property
    def index_spool(self) -> Path:
        """Where the recorder's own rows wait: the spool itself, or its folder of the recorder's user."""
        return self.spool / "index" if self.separate else self.spool

    @property
    def secrets(self) -> Path:
        """Service keys and passwords, mode 0600 each."""
        return self.root / "secrets"

    @property
    def vault(self) -> Path:
        """vaultd's own files: keystore replicas and the file token."""
        return self.root / "vault"

    @cached_property
    def run(self) -> Path:
        """Sockets and pid files; in the system's temporary folder when the path would not fit a socket address."""
        inside = self.root / "run"
        # the limit counts bytes; a comma would end the path for libpq
        if len(os.fsencode(inside)) > SOCKET_PATH_MAX - 24 or "," in str(inside):
            mark = hashlib.sha256(str(self.root).encode()).hexdigest()[:12]
            inside = Path(tempfile.gettempdir()) / f"gwanje-{0 if self.separate else os.getuid()}-{mark}"
        if not self.separate or os.getuid() == 0:
            inside.mkdir(exist_ok=True, mode=0o700)
        about, owner = inside.lstat(), 0 if self.separate else os.getuid()
        # in a folder that everybody may write to, another user may have been first, with a link to a place of ours
        if about.st_uid != owner or not stat.S_ISDIR(about.st_mode) or about.st_mode & 0o022:
            raise PermissionError(f"{inside} belongs to another user, is a link, or others may write to it")
        return inside

    def door(self, service: str) -> Path:
        """Folder of a service's sockets: ``run`` itself, or one that only its user may write to.

        Nobody else can be the first to bind a name there.
        """
        return self.run / DOORS[service] if self.separate else self.run

    def socket(self, service: str) -> Path:
        """Unix socket of a service: ``vaultd``, ``console``."""
        return self.door(service) / f"{service}.sock"
