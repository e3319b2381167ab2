"""Registering this recorder (녹화기 등록): its identity, keys and address in ``footage_recorder``.

Idempotent; whoever seals camera passwords needs the row, so it may be written before the recorder's first start.
"""

from __future__ import annotations

import json
import os
from uuid import UUID

from gwanje.kernel import keys
from gwanje.kernel.accounts import sealing_words
from gwanje.kernel.footage import Cursor
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7

SERVICE = "recorder"


def recorder_id(home: Home) -> UUID:
    """The recorder's identity: made once, kept in ``recorder.json`` of the data folder."""
    path = home.root / "recorder.json"
    if not path.exists():
        part = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        part.write_text(json.dumps({"id": str(uuid7())}))
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        finally:
            part.unlink()
    return UUID(json.loads(path.read_text())["id"])


def register(home: Home, cursor: Cursor, *, seen: bool = False) -> UUID:
    """Insert or refresh the row; ``seen`` sets the time it was seen alive. Makes missing keys."""
    recorder = recorder_id(home)
    key = keys.signing_key(home, SERVICE, create=True)
    signing = keys.raw_public(key)
    sealing = keys.raw_public(keys.sealing_key(home, SERVICE, create=True))
    url = str(home.config.get("live_url") or f"ws://localhost:{home.port + 1}/live")
    cursor.execute(
        "insert into footage_recorder (id, name, signing_key, sealing_key, sealing_proof, url, seen_at) "
        "values (%s, %s, %s, %s, %s, %s, case when %s then now() end) on conflict (id) do update set "
        "signing_key = excluded.signing_key, sealing_key = excluded.sealing_key, "
        "sealing_proof = excluded.sealing_proof, url = excluded.url, "
        "seen_at = coalesce(excluded.seen_at, footage_recorder.seen_at)",
        [
            recorder,
            f"recorder-{str(recorder)[-6:]}",
            signing,
            sealing,
            key.sign(sealing_words(recorder, sealing)),
            url,
            seen,
        ],
    )
    return recorder
