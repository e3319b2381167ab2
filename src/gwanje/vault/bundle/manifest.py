"""Manifest (증거 묶음 명세): what a bundle holds, in canonical bytes that vaultd signs; no name of a person in it.

Case, ground, station and officers stand in the locked container; here only a salted digest of them (``about``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from gwanje.vault.errors import VaultError

KIND: Final = "bundle"
ORIGINAL, MASKED = "original", "masked"
CLIPS_MAX: Final = 256
FILES_MAX: Final = 300
PARTS_MAX: Final = 400_000
MISSING_MAX: Final = 3600
NAME_MAX: Final = 64
_BYTES: Final = {
    "id": 16, "centre": 16, "permit": 16, "camera": 16, "decision": 32, "about": 32, "parts_root": 32,
    "key": 32, "checkpoint_key": 32,
}  # fmt: skip
_NUMBERS: Final = ("slot", "stream", "first", "until", "made", "parts")
FIELDS: Final = {*_BYTES, *_NUMBERS, "v", "kind", "mask", "clips", "files", "missing", "checkpoint"}
# the camera's own signature, where the video carries one or a key is recorded (design 0030)
OPTIONAL: Final = {"signed"}
STATES: Final = ("valid", "broken", "unknown", "open", "none")
SPANS_MAX: Final = 300
KEYS_MAX, KEY_MAX, WHY_MAX = 8, 1024, 16
CLIP_FIELDS: Final = {"name", "size", "sha256", "from", "until", "base"}


def _number(value: object) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _digest(value: object) -> bool:
    return isinstance(value, bytes) and len(value) == 32


def _name(value: object) -> bool:
    legal = isinstance(value, str) and 0 < len(value) <= NAME_MAX
    return legal and all(c.isascii() and (c.isalnum() or c in ".-") for c in str(value))


def _pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and _number(value[0]) and _digest(value[1])


def _clip(value: object, parts: int, files: Mapping[str, Any]) -> bool:
    if not isinstance(value, dict) or set(value) != CLIP_FIELDS or value["name"] not in files:
        return False
    numbers = all(_number(value[name]) for name in ("size", "from", "until", "base"))
    return numbers and _digest(value["sha256"]) and value["from"] < value["until"] <= parts


def _range(value: object, first: int, until: int) -> bool:
    return (
        isinstance(value, list) and len(value) == 2 and all(map(_number, value))
        and first <= value[0] < value[1] <= until
    )  # fmt: skip


def _span(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 5:
        return False
    state, first, until, key, why = value
    keyed = isinstance(key, bytes) and len(key) in (0, 32) and (state != "valid" or len(key) == 32)
    words = isinstance(why, str) and len(why) <= WHY_MAX and why.isascii()
    return state in STATES and _number(first) and _number(until) and first <= until and keyed and words


def _clock(value: object) -> bool:
    return value is None or (
        isinstance(value, list) and len(value) == 2 and all(type(n) is int and abs(n) < 1 << 62 for n in value)
    )  # fmt: skip


def _signed(value: object, clips: object) -> bool:
    """``{keys: [SubjectPublicKeyInfo], clips: [{clock: [least, most] | null, spans: [[state, first µs, until µs, key
    or empty, why]]}]}``, one for each clip; ``clock``: by how many seconds the camera's clock was ahead."""
    if not isinstance(value, dict) or set(value) != {"keys", "clips"} or not isinstance(clips, list):
        return False
    keys, judged = value["keys"], value["clips"]
    if not isinstance(keys, list) or not isinstance(judged, list) or len(judged) != len(clips):
        return False
    if len(keys) > KEYS_MAX or not all(isinstance(key, bytes) and len(key) <= KEY_MAX for key in keys):
        return False
    legal = all(isinstance(one, dict) and set(one) == {"clock", "spans"} for one in judged)
    if not legal or not all(_clock(one["clock"]) and isinstance(one["spans"], list) for one in judged):
        return False
    spans = [span for one in judged for span in one["spans"]]
    return len(spans) <= SPANS_MAX and all(map(_span, spans))


def check(body: Mapping[str, Any]) -> None:
    """Raise VaultError ``bundle_field`` naming the first field that is missing, unknown, of another type or over a
    limit."""
    if set(body) - OPTIONAL != FIELDS:
        raise VaultError("bundle_field", "another set of fields")
    for name, size in _BYTES.items():
        if not isinstance(body[name], bytes) or len(body[name]) != size:
            raise VaultError("bundle_field", name)
    for name in _NUMBERS:
        if not _number(body[name]):
            raise VaultError("bundle_field", name)
    files, clips, missing, point = body["files"], body["clips"], body["missing"], body["checkpoint"]
    listed = isinstance(files, dict) and len(files) <= FILES_MAX
    first, until = body["first"], body["until"]
    rules = {
        "v": body["v"] == 1,
        # a masked clip is attested by this signature alone; masking is not built, so nothing says it was done
        "kind": body["kind"] == ORIGINAL and body["mask"] is None,
        "until": first < until,
        "parts": 0 < body["parts"] <= PARTS_MAX,
        "files": listed and all(_name(name) and _pair(value) for name, value in files.items()),
        "missing": isinstance(missing, list) and len(missing) <= MISSING_MAX
        and all(_range(pair, first, until) for pair in missing),
        "checkpoint": point is None or _pair(point),
        "clips": listed and isinstance(clips, list) and len(clips) <= CLIPS_MAX
        and all(_clip(value, body["parts"], files) for value in clips),
        "signed": "signed" not in body or _signed(body["signed"], clips),
    }  # fmt: skip
    for name, fits in rules.items():
        if not fits:
            raise VaultError("bundle_field", name)


def _shown(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {key: _shown(inner) for key, inner in value.items()}
    return [_shown(inner) for inner in value] if isinstance(value, list) else value


def readable(body: Mapping[str, Any]) -> bytes:
    """The same as JSON for people: bytes in hexadecimal, keys in order; without the list of files, which names it."""
    shown = {key: value for key, value in _shown(body).items() if key != "files"}
    return (json.dumps(shown, indent=1, sort_keys=True) + "\n").encode()


def about_of(permit: Mapping[str, Any]) -> dict[str, Any]:
    """What only the recipient reads, from the body of the Permit (열람·재생 허가) it was released under."""
    officers = [[str(UUID(bytes=a["person"])), a["role"], a["method"]] for a in permit["approvals"]]
    named = {name: permit[name] for name in ("ground", "case", "station", "norms", "issued")}
    return {**named, "officers": officers, "action": permit["action"]}
