"""The attempt on destroyed footage (파기 검증), as the worker asks for it: vaultd's user tries, the worker waits.

The worker never reads the vault's folder. Where processes have users of their own, it searches the places that
vaultd's user may not read, and lays whatever looks like a keystore or a key there beside the samples for the attempt.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gwanje.centre.retention import files
from gwanje.kernel.home import Home
from gwanje.vault import attempt as separate
from gwanje.vault.client import VaultClient, VaultRefused
from gwanje.vault.store_disk import overwrite

ATTEMPT_BATCH_BYTES = 1 << 30
BATCH_HOURS = 1000
FOUND_MAX = 1000
OWN = ("worker.key", "checker.key")


@dataclass(frozen=True)
class Attempt:
    """What the separate process reported, summed over its runs.

    ``unread``: places of the data folder that neither vaultd's user nor the worker's may read.
    """

    tried: int
    opened: int
    generation_key_absent: bool
    keystores: int
    keys: int
    contents: int
    unread: tuple[str, ...] = ()

    def body(self) -> dict[str, Any]:
        """The map that stands in the certificate."""
        said = dict(self.__dict__)
        unread = said.pop("unread")
        return {**said, "unread": list(unread)} if unread else said


class AttemptFailed(RuntimeError):
    """The separate process did not answer as it must; nothing is certified."""


def attempt(client: VaultClient, home: Home, hours: Sequence[Any]) -> Attempt:
    """Ask vaultd to let a process of its own try the kept samples of these hours, at most 1 GiB a run."""
    batches = _batches(home, hours)
    try:
        with _brought(home) as unread:
            answers = [client.attempt(batch) for batch in batches]
    except VaultRefused as refused:
        raise AttemptFailed(f"파기 검증이 이루어지지 않았습니다 / the attempt was not made: {refused}") from refused
    except OSError as error:
        raise AttemptFailed(f"파기 검증 준비 실패 / the attempt could not be prepared: {error}") from error
    last = answers[-1]
    if last.unread and unread is None:
        raise AttemptFailed(f"읽지 못한 위치 / places that could not be searched: {', '.join(last.unread)}")
    missed = sorted(set(last.unread) & set(unread)) if unread is not None else list(last.unread)
    return Attempt(
        tried=sum(a.tried for a in answers),
        # samples are of what nothing opens: one that a hold opens is as wrong as one that a root opens
        opened=sum(a.opened + a.held for a in answers),
        generation_key_absent=all(a.generation_key_absent for a in answers),
        keystores=last.keystores,
        keys=last.keys,
        contents=last.contents,
        unread=tuple(missed),
    )


def _batches(home: Home, hours: Sequence[Any]) -> list[list[Any]]:
    batches: list[list[Any]] = [[]]
    size = 0
    for hour in hours:
        path = files.kept_samples(home, hour)
        if not path.is_file():
            raise AttemptFailed(f"파기 표본이 없습니다 / the samples are missing: {path.name}")
        more = path.stat().st_size
        if batches[-1] and (size + more > ATTEMPT_BATCH_BYTES or len(batches[-1]) >= BATCH_HOURS):
            batches.append([])
            size = 0
        batches[-1].append(hour)
        size += more
    return batches


@contextlib.contextmanager
def _brought(home: Home) -> Iterator[list[str] | None]:
    """Places that this user may not read either; what it found elsewhere lies beside the samples meanwhile.

    None where all processes have one user: vaultd's process has read everything then.
    """
    if not home.separate:
        yield None
        return
    closed: list[Path] = []
    own = [home.secrets / name for name in OWN]
    passed = {*separate.PASSED_BY, home.vault.name}
    folders = [path for path in sorted(home.root.iterdir()) if path.name not in passed]
    stores, keys = separate.collect(folders, closed)
    mine = {path.read_bytes() for path in own if path.is_file()}
    found = [*stores, *(key for key in keys if key not in mine)]
    if len(found) > FOUND_MAX:
        raise OSError(f"more than {FOUND_MAX} keystore and key files outside the vault")
    laid = [files.lay(home, f"found-{number}", data) for number, data in enumerate(found)]
    try:
        yield sorted({path.relative_to(home.root).parts[0] for path in closed})
    finally:
        for path in laid:
            overwrite(path)
            path.unlink(missing_ok=True)
