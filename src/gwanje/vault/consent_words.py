"""Words of what officers sign (서명할 내용의 글): every field of an act as a line, or the act is refused.

vaultd says what it knows: numbers, times, identities. Names that the centre has for them are shown apart, as its word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from gwanje.vault.errors import VaultError
from gwanje.vault.records import Hold

TITLES: Final[dict[str, tuple[str, str]]] = {
    "open": ("저장영상 열람·재생", "View stored video"),
    "hold": ("영상 보존", "Hold video beyond its retention"),
    "prolong": ("보존 연장", "Prolong a hold"),
    "end": ("보존 종료", "End a hold"),
    "puncture": ("영상 일부 삭제", "Delete seconds of video for ever"),
    "codes": ("전화 승인코드 만들기", "Make spoken approval codes"),
    "registry": ("담당공무원 명부 변경", "Change the officers' registry"),
}
REQUIRED: Final[dict[str, frozenset[str]]] = {
    "open": frozenset((
        "decision", "norms", "cameras", "first", "until", "person", "action", "ground", "case", "hold",
    )),
    "hold": frozenset(("decision", "person", "id", "kind", "ground", "case", "reviewer", "spans", "ends")),
    "prolong": frozenset(("decision", "person", "id", "kind", "ends", "ground", "case")),
    "end": frozenset(("decision", "person", "id")),
    "puncture": frozenset(("decision", "person", "camera", "slot", "spans")),
    "codes": frozenset(("decision", "person", "count")),
    "registry": frozenset(("decision", "op", "fields")),
}  # fmt: skip
TEXT_MAX: Final = 500
LIST_MAX: Final = 64
SPANS_MAX: Final = 512
OP_FIELDS_MAX: Final = 64
_YEAR_3000: Final = 32_503_680_000


@dataclass(frozen=True)
class Row:
    """One line: the field's name in Korean and English, its value as text, and the UUIDs that stand in it."""

    field: str
    ko: str
    en: str
    value: str
    named: tuple[UUID, ...] = ()


def rows(
    kind: str, body: Mapping[str, Any], zone: ZoneInfo, holds: Mapping[UUID, Hold] | None = None
) -> tuple[Row, ...]:
    """Every field of an act as lines, in a fixed order; VaultError ``consent_field`` names what cannot be said.

    ``holds``: vaultd's own, so that an act on a hold also says what that hold keeps.
    """
    missing = REQUIRED.get(kind, frozenset(("kind",))) - set(body)
    unknown = [str(name) for name in body if name not in _FIELDS]
    if missing or unknown:
        raise VaultError("consent_field", f"{kind[:20]}: {', '.join(sorted([*missing, *unknown]))[:200]}")
    said = [_row(name, body[name], zone) for name in _FIELDS if name in body]
    id_ = body["hold"] if kind == "open" else body["id"] if kind in ("prolong", "end") else None
    return (*said, _kept(UUID(bytes=id_), zone, holds or {})) if id_ else tuple(said)


def _kept(id_: UUID, zone: ZoneInfo, holds: Mapping[UUID, Hold]) -> Row:
    """What a hold keeps, from vaultd's own record; ``hold_unknown``."""
    hold = holds.get(id_)
    if hold is None:
        raise VaultError("hold_unknown")
    lines = [f"{hold.kind}, {hold.ground}, {hold.case}, ~ {moment(hold.ends, zone)}"]
    for lens in hold.lenses:
        days = f"{moment(lens.first, zone)} ~ {moment(lens.until, zone)}"
        lines.append(f"{lens.camera} (자리 {lens.slot}) {days}, {lens.until - lens.first}초")
    cameras = tuple(dict.fromkeys(lens.camera for lens in hold.lenses))
    return Row("kept", "이 보존이 지키는 영상", "What the hold keeps", "\n".join(lines), cameras)


def _row(name: str, value: Any, zone: ZoneInfo) -> Row:
    ko, en, say = _FIELDS[name]
    try:
        text = say(value, zone)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError) as error:
        raise VaultError("consent_field", name) from error
    return Row(name, ko, en, text, tuple(_people(name, value)))


def _people(name: str, value: Any) -> list[UUID]:
    if name == "cameras":
        return [UUID(bytes=lens[0]) for lens in value]
    if name == "spans":
        return list(dict.fromkeys(UUID(bytes=span[0]) for span in value if isinstance(span[0], bytes)))
    return [UUID(bytes=value)] if name in ("person", "reviewer", "camera") else []


def _no(what: str) -> ValueError:
    return ValueError(what)


def _text(value: Any, zone: ZoneInfo) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= TEXT_MAX or not value.isprintable():
        raise _no("text")
    return value


def _digest(value: Any, zone: ZoneInfo) -> str:
    if not isinstance(value, bytes) or len(value) != 32:
        raise _no("digest")
    return value.hex()


def _identity(value: Any, zone: ZoneInfo) -> str:
    if not isinstance(value, bytes):
        raise _no("identity")
    return str(UUID(bytes=value))


def _no_hold(value: Any, zone: ZoneInfo) -> str:
    return "없음 / none" if value is None else _identity(value, zone)


def _number(value: Any, zone: ZoneInfo) -> str:
    if type(value) is not int or not 0 <= value < 1 << 32:
        raise _no("number")
    return str(value)


def moment(value: Any, zone: ZoneInfo) -> str:
    """A Unix second as local date and time with the zone's name; ValueError."""
    if type(value) is not int or not 0 <= value < _YEAR_3000:
        raise _no("time")
    return datetime.fromtimestamp(value, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M:%S %Z")


def _cameras(value: Any, zone: ZoneInfo) -> str:
    if not isinstance(value, list) or not 1 <= len(value) <= LIST_MAX:
        raise _no("cameras")
    lines = []
    for camera, slot, stream in value:
        lines.append(f"{_identity(camera, zone)} (자리 {_number(slot, zone)}, 영상 {_number(stream, zone)})")
    return f"{len(lines)}대\n" + "\n".join(lines)


def _spans(value: Any, zone: ZoneInfo) -> str:
    if not isinstance(value, list) or not 1 <= len(value) <= SPANS_MAX:
        raise _no("spans")
    lines = []
    for span in value:
        camera = f"{_identity(span[0], zone)} (자리 {_number(span[1], zone)}) " if isinstance(span[0], bytes) else ""
        class_, first, until = span[-3:]
        if len(span) != (5 if camera else 3) or not first < until:
            raise _no("span")
        days = f"{moment(first, zone)} ~ {moment(until, zone)}, {until - first}초"
        lines.append(f"{camera}{days} (보존 분류 {_number(class_, zone)})")
    return "\n".join(lines)


def _norms(value: Any, zone: ZoneInfo) -> str:
    if not isinstance(value, list) or len(value) > LIST_MAX:
        raise _no("norms")
    return ", ".join(_text(norm, zone) for norm in value) or "없음 / none"


def _fields(value: Any, zone: ZoneInfo, depth: int = 0) -> str:
    """What a registry act changes, field by field; bytes as hex, 16 of them as an identity."""
    if isinstance(value, Mapping) and len(value) <= OP_FIELDS_MAX and depth < 5:
        return "\n".join(f"{_text(k, zone)}: {_fields(v, zone, depth + 1)}" for k, v in value.items()) or "없음 / none"
    if isinstance(value, list | tuple) and len(value) <= OP_FIELDS_MAX and depth < 5:
        return "; ".join(_fields(item, zone, depth + 1) for item in value) or "없음 / none"
    if isinstance(value, bytes):
        return str(UUID(bytes=value)) if len(value) == 16 else value.hex()
    if value is None or value == "":
        return "없음 / none"
    if type(value) is int and 1_000_000_000 < value < _YEAR_3000:
        return f"{value} ({moment(value, zone)})"
    return _text(str(value) if isinstance(value, int | bool) else value, zone)


_FIELDS: Final[dict[str, tuple[str, str, Callable[[Any, ZoneInfo], str]]]] = {
    "op": ("바꾸는 일", "Act", _text),
    "fields": ("바꾸는 내용", "Changes", _fields),
    "person": ("신청자", "Asked by", _identity),
    "action": ("할 일", "Action", _text),
    "id": ("보존 번호", "Hold", _identity),
    "kind": ("보존 종류", "Kind of hold", _text),
    "cameras": ("카메라", "Cameras", _cameras),
    "camera": ("카메라", "Camera", _identity),
    "slot": ("카메라 자리", "Camera slot", _number),
    "first": ("영상 시작", "From", moment),
    "until": ("영상 끝", "Until", moment),
    "spans": ("영상 구간", "Seconds", _spans),
    "ground": ("법적 근거", "Ground", _text),
    "case": ("사건·문서번호", "Case", _text),
    "hold": ("여는 보존", "Opens the hold", _no_hold),
    "reviewer": ("검토자", "Reviewer", _identity),
    "ends": ("보존 만료", "Hold ends", moment),
    "count": ("코드 수", "Number of codes", _number),
    "norms": ("적용 규범", "Norms", _norms),
    "decision": ("결정 해시", "SHA-256 of the Decision", _digest),
}
