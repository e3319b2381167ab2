"""Segment files in an object store (객체 저장소, S3), through obstore; tried against Ceph RGW.

Beside each segment lies its index (``.gwx``: headers without content), put first, so that a segment that can be seen
can be read with one request before its parts. The bucket must keep no versions: what is deleted must be gone.
"""

from __future__ import annotations

import hashlib
import json
import stat
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from gwanje.kernel.home import Home
from gwanje.vault.s3_bucket import Bucket, S3Settings
from gwanje.vault.segment import HEADER_SIZE, SegmentReader, blank
from gwanje.vault.store import INDEX_MAX, INDEX_SUFFIX, SUFFIX, Entry, Index, StoreAway, StoreRefused, index_of

SINGLE_MAX: Final = 16 << 20
CHUNK: Final = 8 << 20
AT_ONCE: Final = 2
PAGE: Final = 1000
# a second of 2 Mbit/s and its neighbour: one request for what is played next
AHEAD: Final = 512 << 10
ACCOUNT_FILE: Final = "s3.json"
TIMEOUT_S: Final = 30


def settings_of(home: Home) -> S3Settings | None:
    """The folder's object store (config ``store``: ``endpoint``, ``bucket``, ``region``, ``prefix``), or None.

    The account lies in ``secrets/s3.json`` (``access_key_id``, ``secret_access_key``), readable by its owner only;
    StoreRefused when others may read it, when it is missing, or when it would travel in plain.
    """
    wanted = home.config.get("store")
    if not wanted:
        return None
    path = home.secrets / ACCOUNT_FILE
    try:
        # where each process has a user of its own, a group of those that need it reads it
        others = stat.S_IRWXO | (stat.S_IWGRP if home.separate else stat.S_IRWXG)
        if path.stat().st_mode & others:
            raise StoreRefused("store_secret_open", str(path))
        account = json.loads(path.read_text())
        made = S3Settings(
            endpoint=str(wanted["endpoint"]).rstrip("/"), bucket=str(wanted["bucket"]),
            region=str(wanted.get("region", "us-east-1")), prefix=str(wanted.get("prefix", "")).strip("/"),
            access_key=str(account["access_key_id"]), secret_key=str(account["secret_access_key"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreRefused("store_settings", type(error).__name__) from None
    made.check()
    return made


@contextmanager
def _asked(what: str) -> Iterator[None]:
    """An error of the client becomes StoreAway with its kind only: its text holds addresses and requests."""
    try:
        yield
    except FileNotFoundError:
        raise FileNotFoundError(f"{what}: not in the object store") from None
    except (BaseError, OSError) as error:
        raise StoreAway(f"{what}: {type(error).__name__}") from None


class S3Source:
    """Bytes of one object. Headers come from the index; parts by range, a little ahead of what is asked."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int, heads: dict[int, bytes], ahead: int) -> None:
        self.size = size
        self._fetch, self._heads, self._ahead = fetch, heads, ahead
        self._window = (0, b"")

    def read(self, length: int, offset: int) -> bytes:
        """Up to ``length`` bytes from ``offset``; fewer at the end."""
        head = self._heads.get(offset)
        if head is not None and length <= max(len(head), HEADER_SIZE):
            return head[:length]
        end = min(offset + length, self.size)
        first, data = self._window
        if not first <= offset <= end <= first + len(data):
            want = min(max(length, self._ahead), self.size - offset)
            if want <= 0:
                return b""
            first, data = offset, self._fetch(offset, want)
            self._window = (first, data)
        return data[offset - first : end - first]

    def length(self) -> int:
        """Bytes of the object."""
        return self.size

    def close(self) -> None:
        """Nothing is held open; what was read ahead is forgotten."""
        self._window = (0, b"")


@dataclass(frozen=True)
class Held:
    """What the object store says of one object."""

    size: int


class S3Shelf:
    """One bucket (and prefix). Thread-safe: the client is, and nothing else is kept."""

    place = "s3"

    def __init__(self, settings: S3Settings, root: Path, *, retries: int = 2, timeout_s: int = TIMEOUT_S) -> None:
        """``root``: the disk's store folder, under which readers are named as if they lay there."""
        self.settings, self.root = settings, root
        self.bucket = Bucket(settings)
        self._store = S3Store(
            settings.bucket,
            config={
                "endpoint": settings.endpoint, "region": settings.region, "access_key_id": settings.access_key,
                "secret_access_key": settings.secret_key, "virtual_hosted_style_request": False,
            },
            client_options={
                "allow_http": not settings.endpoint.startswith("https:"), "timeout": f"{timeout_s}s",
                "connect_timeout": "3s",
            },
            retry_config={"max_retries": retries, "retry_timeout": timedelta(seconds=timeout_s)},
        )  # fmt: skip

    def _key(self, name: str) -> str:
        return f"{self.settings.prefix}/{name}" if self.settings.prefix else name

    def _name(self, key: str) -> str:
        return key[len(self.settings.prefix) + 1 :] if self.settings.prefix else key

    def ready(self) -> None:
        """StoreRefused when the bucket is missing or keeps versions; StoreAway when nobody answers."""
        state = self.bucket.versioning()
        if state:
            raise StoreRefused("store_versions", f"{self.settings.bucket}: {state}")

    def folders(self, prefix: str = "") -> list[str]:
        """Names right below a prefix, sorted."""
        at = self._key(prefix).strip("/")
        with _asked("list"):
            found: Any = obstore.list_with_delimiter(self._store, f"{at}/" if at else None)
        return sorted(name.rstrip("/").rsplit("/", 1)[-1] for name in found["common_prefixes"])

    def _objects(self, prefix: str) -> Iterator[tuple[str, int]]:
        at = self._key(prefix).strip("/")
        with _asked("list"):
            stream: Any = obstore.list(self._store, f"{at}/" if at else None, chunk_size=PAGE)
        while True:
            with _asked("list"):
                page = next(stream, None)
            if page is None:
                return
            for meta in page:
                yield self._name(meta["path"]), int(meta["size"])

    def files(self, prefix: str = "") -> Iterator[Entry]:
        """Every segment under a prefix, by name."""
        for name, size in self._objects(prefix):
            if name.endswith(SUFFIX):
                yield Entry(name, size)

    def stat(self, name: str) -> Held | None:
        """Size of one object, or None."""
        try:
            with _asked("head"):
                return Held(int(self._store.head(self._key(name))["size"]))
        except FileNotFoundError:
            return None

    def get(self, name: str) -> bytes:
        """A whole small object (an index), 64 MB at most."""
        with _asked("get"):
            found = self._store.get(self._key(name))
            if found.meta["size"] > INDEX_MAX:
                raise StoreAway("get: the index is too large")
            return bytes(found.bytes())

    def digest(self, name: str) -> bytes:
        """SHA-256 of an object, read back whole: the only proof that a local copy may go."""
        found = hashlib.sha256()
        with _asked("get"):
            for chunk in self._store.get(self._key(name)).stream(min_chunk_size=1 << 20):
                found.update(chunk)
        return found.digest()

    def put(self, name: str, content: bytes | Path) -> None:
        """Put one object; a large file in pieces of 8 MB, seen by nobody before the last."""
        with _asked("put"):
            several = isinstance(content, Path) and content.stat().st_size > SINGLE_MAX
            self._store.put(
                self._key(name), content, use_multipart=several, chunk_size=CHUNK, max_concurrency=AT_ONCE,
            )  # fmt: skip

    def remove(self, name: str) -> None:
        """Delete one segment and its index (a stray copy); nothing there is no error."""
        for one in (name, index_name(name)):
            with _asked("delete"):
                self._store.delete(self._key(one))

    def open(self, name: str, *, whole: bool = False) -> SegmentReader:
        """A reader of one segment, with its index when nothing but parts will be read."""
        key = self._key(name)

        def fetch(offset: int, length: int) -> bytes:
            with _asked("range"):
                return bytes(self._store.get_range(key, start=offset, length=length))

        index = None
        if not whole:
            try:
                index = Index.read(self.get(index_name(name)))
            except FileNotFoundError:
                # a stray without an index is read from the file itself
                index = None
        if index is None:
            held = self.stat(name)
            if held is None:
                raise FileNotFoundError(f"{name}: not in the object store")
            source = S3Source(fetch, held.size, {}, CHUNK)
        else:
            source = S3Source(fetch, index.size, index.heads, AHEAD)
        return SegmentReader(self.root / name, source)

    def blank(self, name: str, keep: Collection[int]) -> int:
        """A new object without those parts takes the place of the old one; nothing is put when nothing is to go.

        The sealed bytes pass through a file of their own on this disk, never through memory whole.
        """
        with tempfile.TemporaryDirectory(prefix="blank-", dir=self.root.parent) as folder:
            path = Path(folder, Path(name).name)
            self._fetch(name, path)
            count = blank(path, keep)
            if count:
                # a bucket that keeps versions would keep the old object, and to delete those deletes the held parts
                self.ready()
                size, digest = path.stat().st_size, _digest(path)
                with SegmentReader(path) as reader:
                    index = index_of(reader, size, digest)
                self.put(index_name(name), index)
                self.put(name, path)
                if self.digest(name) != digest:
                    raise StoreAway("blank: what was put does not read back the same")
            return count

    def _fetch(self, name: str, path: Path) -> None:
        with _asked("get"), path.open("wb") as out:
            for chunk in self._store.get(self._key(name)).stream(min_chunk_size=1 << 20):
                out.write(chunk)

    def erase(self, prefix: str) -> int:
        """Delete every object under a prefix, all versions and half uploads, and look that none stands.

        Objects cannot be overwritten: what the store's own disks keep is its affair, and the key is dead before.
        """
        at = self._key(prefix).strip("/") + "/"
        names = {name for name, _ in self._objects(prefix)}
        keys = [self._key(name) for name in sorted(names)]
        for first in range(0, len(keys), PAGE):
            with _asked("delete"):
                self._store.delete(keys[first : first + PAGE])
        if self.bucket.versioning():
            self.bucket.delete_versions(at)
        self.bucket.abort_uploads(at)
        if any(True for _ in self._objects(prefix)):
            raise StoreAway(f"delete: objects still stand under {prefix}")
        return sum(1 for name in names if name.endswith(SUFFIX))


def _digest(path: Path) -> bytes:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").digest()


def index_name(name: str) -> str:
    """Name of a segment's index."""
    return name.removesuffix(SUFFIX) + INDEX_SUFFIX
