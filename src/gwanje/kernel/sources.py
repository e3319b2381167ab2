"""Recording sources (녹화 대상): what the camera registry writes and the recorders read."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from gwanje.kernel.footage import Cursor


@dataclass(frozen=True)
class Source:
    """One camera as a recorder sees it; ``sealed`` maps recorder ids to credentials only that recorder can open.

    ``driver``: name of the entry point in ``gwanje.drivers``. ``device``: what the driver and the steering need
    (transport, network, ONVIF address, allowed zone …), plain JSON without accounts.
    """

    camera: UUID
    agency: UUID
    slot: int
    class_: int
    label: str
    main_url: str
    sub_url: str
    sealed: dict[str, str]
    active: bool
    version: int = 1
    fence: int = 1
    driver: str = "rtsp"
    device: dict[str, Any] = field(default_factory=dict)

    def sealed_for(self, recorder: UUID) -> bytes | None:
        """The credentials sealed to one recorder, or None when the camera needs none or has no slot for it."""
        text = self.sealed.get(str(recorder))
        return base64.b64decode(text) if text else None


_COLUMNS = "camera, agency, slot, class, label, main_url, sub_url, sealed, active, version, fence, driver, device"


def put_source(cursor: Cursor, source: Source) -> None:
    """Insert or change a source; its version grows by one."""
    cursor.execute(
        f"insert into footage_source ({_COLUMNS}) values (%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%s) "
        "on conflict (camera) do update set agency = excluded.agency, class = excluded.class, label = excluded.label, "
        "main_url = excluded.main_url, sub_url = excluded.sub_url, "
        # the same account keeps the slots that recorders have added (kernel.accounts): no two sealings are alike
        "sealed = case when excluded.sealed <> '{}' and footage_source.sealed @> excluded.sealed "
        "then footage_source.sealed else excluded.sealed end, "
        "active = excluded.active, driver = excluded.driver, device = excluded.device, "
        "version = footage_source.version + 1",
        [
            source.camera,
            source.agency,
            source.slot,
            source.class_,
            source.label,
            source.main_url,
            source.sub_url,
            json.dumps(source.sealed),
            source.active,
            source.version,
            source.fence,
            source.driver,
            json.dumps(source.device),
        ],
    )


def sources(cursor: Cursor) -> list[Source]:
    """Every source, active or not, in slot order (a recorder compares versions and restarts what changed)."""
    cursor.execute(f"select {_COLUMNS} from footage_source order by slot limit 100000")
    return [_source(row) for row in cursor.fetchall()]


def signing(cursor: Cursor) -> dict[UUID, list[str]]:
    """Camera → public keys (PEM) of its own signature that an officer recorded; cameras without one are left out."""
    cursor.execute(
        "select camera, device -> 'signing' -> 'keys' from footage_source where device ? 'signing' limit 100000"
    )
    found = {}
    for camera, pems in cursor.fetchall():
        found[camera] = list(json.loads(pems) if isinstance(pems, str) else pems or [])
    return found


def _source(row: Any) -> Source:
    values = list(row)
    for place in (7, 12):
        said = values[place]
        values[place] = json.loads(said) if isinstance(said, str) else dict(said)
    return Source(*values)
