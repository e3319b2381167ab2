"""Signs (안내판): what a sign says, whether it is seen, what is recorded, which cameras have none or a stale one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db import transaction

from gwanje.centre.cameras import api as cameras_api
from gwanje.centre.cameras.api import CameraView
from gwanje.centre.common import absent, clock, cursor, demand
from gwanje.centre.common.refusal import Problem, Refused, clean
from gwanje.centre.publication import bodies, items, reading_versions, rules, sections, sign_map
from gwanje.centre.publication.gathering import NO_DEPARTMENT, Rows
from gwanje.centre.publication.models import SIZES, Sign
from gwanje.centre.publication.services import own
from gwanje.kernel import ledger
from gwanje.kernel.actor import MANAGER, Actor
from gwanje.kernel.ledger import Entry
from gwanje.law import Decision, NotInForce, combine

CAMERAS_MAX, ENDED_MAX = 64, 256
REMOVED = "removed"
TEXT_MAX = 200
PHOTO_BYTES_MAX = 2 * 1024 * 1024
JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
SEEN, STALE, UNSEEN, EMPTY = "ok", "stale", "unseen", "empty"
Said = dict[str, str]


@dataclass(frozen=True)
class NewSign:
    """What an officer records of a sign: ``cameras`` ids, ``place`` a word of ``items.PLACES``."""

    title: str
    cameras: tuple[UUID, ...]
    place: str
    put_up_on: date
    exemption: str = ""
    spot: str = ""
    size: str = "A4"
    lat: float | None = None
    lon: float | None = None
    photo: bytes = b""


@dataclass(frozen=True)
class Overview:
    """Signs with what is wrong with each (``ok``, ``stale``, ``unseen``, ``empty``), and cameras without one."""

    signs: tuple[tuple[Sign, str], ...]
    without: tuple[CameraView, ...]
    cameras: int

    def count(self, state: str) -> int:
        """How many signs are in a state."""
        return sum(own == state for _, own in self.signs)


def _join(values: Sequence[Said]) -> Said:
    kept = {(v["ko"], v["en"]): v for v in values}
    return {"ko": " / ".join(v["ko"] for v in kept.values()), "en": " / ".join(v["en"] for v in kept.values())}


def text(cameras: Sequence[CameraView], rows: Rows) -> dict[str, Said]:
    """What a sign for these cameras says: every item of the rule that the rows have words for."""
    names = list(dict.fromkeys(c.department or NO_DEPARTMENT for c in cameras))
    lines = [rows.departments[name] for name in names if name in rows.departments]
    uses = list(dict.fromkeys(word for camera in cameras for word in camera.purposes))
    phones = [line.phone for line in lines if line.phone]
    officers = [line.officer for line in lines if line.officer]
    known: dict[str, Said] = {
        "설치 목적": _both(", ".join(uses), ", ".join(sections.NATIONAL_EN.get(word, word) for word in uses)),
        "설치 장소": _both(" / ".join(dict.fromkeys(c.address or c.place for c in cameras))),
        "촬영 범위": _join([sections.range_of(c) for c in cameras]),
        "촬영 시간": _both(" / ".join(dict.fromkeys(line.hours for line in lines if line.hours))),
        "담당부서": _both(", ".join(name for name in names if name != NO_DEPARTMENT)),
        "책임관": _both(_title(rows)) if officers or phones else _both(""),
        "관리책임자 연락처": _both(" / ".join(dict.fromkeys(phones))),
        "관리책임자 성명": _both(" / ".join(dict.fromkeys(officers))),
        "수탁자 명칭·연락처": _contractors(rows),
    }
    return {item: known[item] for item in needed(rows) if known.get(item, {}).get("ko")}


def _both(ko: str, en: str = "") -> Said:
    return {"ko": ko, "en": en or ko}


def _title(rows: Rows) -> str:
    return rows.today.title(MANAGER)


def _contractors(rows: Rows) -> Said:
    if not rows.contractors:
        return {"ko": "위탁 없음", "en": "none"}
    return _both(" / ".join(f"{c.name} {c.contact}".strip() for c in rows.contractors))


def needed(rows: Rows) -> tuple[str, ...]:
    """The items that a sign has to have; empty where no rule of this city says any."""
    return tuple(rows.value("sign.items") or ())


def text_digest(said: dict[str, Said]) -> str:
    """SHA-256 of a sign's text in canonical JSON."""
    return bodies.digest(bodies.canonical(said))


def judge(new: NewSign, said: dict[str, Said], seen: bool, rows: Rows) -> Decision | None:
    """May the sign be recorded like this? None where this city has no rule about signs."""
    found = []
    if rows.today.has("sign.items") and new.place != items.NONE:
        found.append(rules.sign_items({"items": list(said)}, rows.today))
    if rows.today.has("sign.placement"):
        facts = {"place": new.place, "exemption": new.exemption, "in_view": seen}
        found.append(rules.sign_placement(facts, rows.today))
    return combine(rules.SIGN, found) if found else None


@transaction.atomic
def record(actor: Actor, new: NewSign) -> Sign:
    """Record a sign (안내판 기록): what it says today, where it stands, why there is none; it ends what it replaces."""
    decision = demand(actor, rules.SIGN, own(actor))
    assert actor.agency is not None
    rows = reading_versions.rows(actor.agency)
    cameras = _cameras(actor, new.cameras, rows)
    if new.place not in items.PLACES or new.size not in SIZES:
        raise Problem("place", "안내판의 위치나 규격이 맞지 않습니다.", "No such place or size.")
    if new.put_up_on > clock().local().date():
        raise Problem("future", "설치일이 앞날입니다.", "The day lies in the future.")
    lat = cameras[0].lat if new.lat is None else new.lat
    lon = cameras[0].lon if new.lon is None else new.lon
    seen = any(sign_map.in_view(lat, lon, camera) for camera in cameras)
    said = text(cameras, rows) if new.place != items.NONE else {}
    judged = judge(new, said, seen, rows)
    if judged is not None and not judged.allow:
        raise Refused(judged, rules.SIGN, actor, cameras=[c.id for c in cameras])
    ended, staying = _others(actor, cameras)
    _no_clash(new.place, cameras, staying, rows)
    photo = _photo(new.photo)
    row = Sign.objects.create(
        agency_id=actor.agency, title=clean(new.title, TEXT_MAX, "이름", "The name") or cameras[0].place,
        cameras=[str(c.id) for c in cameras], place=new.place,
        exemption=new.exemption if new.place != items.SITE else "", spot=clean(new.spot, TEXT_MAX, "위치", "The spot"),
        size=new.size, lat=f"{lat:.8f}", lon=f"{lon:.8f}", text=said, text_sha256=text_digest(said), in_view=seen,
        photo=photo or None, photo_sha256=hashlib.sha256(photo).hexdigest() if photo else "",
        put_up_on=new.put_up_on, at=clock().now(), by=actor.person,
    )  # fmt: skip
    for old in ended:
        old.ended_at, old.ended_by = row.at, actor.person
        old.save(update_fields=["ended_at", "ended_by"])
    replaced = [str(old.pk) for old in ended]
    detail = {"sign": str(row.pk), "place": row.place, "exemption": row.exemption, "text": row.text_sha256,
              "in_view": seen, "replaced": replaced}  # fmt: skip
    entry = Entry.by(actor, "publication.sign.recorded", "done", judged or decision, detail=detail,
                     cameras=[c.id for c in cameras], dies="registry")  # fmt: skip
    ledger.append(cursor(), clock(), entry)
    return row


def _cameras(actor: Actor, ids: Sequence[UUID], rows: Rows) -> list[CameraView]:
    wanted = set(ids)
    if not 1 <= len(wanted) <= CAMERAS_MAX:
        raise Problem(
            "cameras", f"기기를 1대에서 {CAMERAS_MAX}대까지 고르십시오.", f"Choose 1 to {CAMERAS_MAX} cameras."
        )
    found = [c for c in rows.cameras if c.id in wanted]
    if len(found) != len(wanted):
        raise absent(actor, rules.SIGN, "camera", next(iter(wanted - {c.id for c in found})))
    return found


def _photo(given: bytes) -> bytes:
    if not given:
        return b""
    if len(given) > PHOTO_BYTES_MAX or not given.startswith((JPEG, PNG)):
        raise Problem("photo", "사진은 2 MiB까지의 JPEG 또는 PNG입니다.", "A photo is a JPEG or PNG of at most 2 MiB.")
    return given


def _others(actor: Actor, cameras: Sequence[CameraView]) -> tuple[list[Sign], list[Sign]]:
    """Standing signs that a new one for these cameras ends, and those that stay.

    It ends a sign all of whose cameras it or a later sign speaks for or that left for good. A camera that was removed,
    or is another agency's now, left; a suspended one comes back to its sign.
    """
    new = {str(c.id) for c in cameras}
    standing = Sign.objects.select_for_update().filter(agency_id=actor.agency, ended_at__isnull=True)
    others = list(standing.defer("photo").order_by("at", "pk"))
    ids = {UUID(id_) for old in others for id_ in old.cameras}
    here = {str(c.id) for c in cameras_api.cameras(ids) if c.agency == actor.agency and c.state != REMOVED}
    latest = {id_: old.pk for old in others for id_ in old.cameras}
    # what is left out stays unsaid until somebody says otherwise of these very cameras
    unsaid = {id_: old.pk for old in others if old.place == items.NONE for id_ in old.cameras}

    def spoken_for(old: Sign, id_: str) -> bool:
        return id_ in new or (unsaid if old.place == items.NONE else latest)[id_] != old.pk

    over = [old for old in others if all(spoken_for(old, id_) for id_ in here.intersection(old.cameras))]
    # those that speak for nothing any more come last: one act ends so many of them, the next one the rest
    ended = sorted(over, key=lambda old: not new.intersection(old.cameras))[:ENDED_MAX]
    gone = {old.pk for old in ended}
    return ended, [old for old in others if old.pk not in gone]


def _no_clash(place: str, cameras: Sequence[CameraView], staying: Sequence[Sign], rows: Rows) -> None:
    """A camera whose sign is left out (안내판 생략) stands in no other sign, and the other way round; else 409."""
    for other in staying:
        both = [c.number for c in cameras if str(c.id) in other.cameras]
        if not both or (place == items.NONE) == (other.place == items.NONE):
            continue
        articles = rows.today.articles("sign.placement") if rows.today.has("sign.placement") else ()
        numbers = ", ".join(both)
        raise Problem(
            "left_out",
            f"안내판 '{other.title}'에 같은 기기({numbers})가 있어 기록하지 않았습니다. "
            "안내판을 생략한 기기의 위치는 다른 안내판에 나올 수 없습니다.",
            f"Nothing was recorded: the sign '{other.title}' names the same cameras ({numbers}). "
            "The place of a camera whose sign is left out may stand in no other sign.",
            rule=" · ".join(map(str, articles)),
            next_="그 안내판을 나머지 기기만으로 먼저 다시 기록하거나 그 안내판의 기기를 모두 이 기록에 넣으십시오.",
            next_en="First record that sign again for its other cameras only, or take all of its cameras in here.",
            status=409,
        )


def overview(agency: UUID, rows: Rows | None = None) -> Overview:
    """Every standing sign with its state, and every running camera that has none; ``rows`` where they are at hand."""
    rows = rows or reading_versions.rows(agency)
    known = {str(c.id): c for c in rows.cameras}
    signs = rows.standing
    covered = {id_ for sign in signs for id_ in sign.cameras}
    return Overview(
        signs=tuple((sign, state(sign, known, rows)) for sign in signs),
        without=tuple(c for id_, c in known.items() if id_ not in covered),
        cameras=len(known),
    )


def state(sign: Sign, known: dict[str, CameraView], rows: Rows) -> str:
    """Does a sign still say and show what it has to? A changed camera, department or contractor makes it stale."""
    cameras = [known[id_] for id_ in sign.cameras if id_ in known]
    if not cameras:
        return EMPTY
    if sign.place != items.NONE and text_digest(text(cameras, rows)) != sign.text_sha256:
        return STALE
    at = float(sign.lat), float(sign.lon)
    if sign.place == items.SITE and not any(sign_map.in_view(*at, camera) for camera in cameras):
        return UNSEEN
    return SEEN


def sign(actor: Actor, action: str, id_: UUID) -> Sign:
    """A sign of the actor's agency; 404 for another agency's."""
    row = Sign.objects.filter(pk=id_, agency_id=actor.agency).first()
    if row is None:
        raise absent(actor, action, "sign", id_)
    demand(actor, action, own(actor))
    return row


def exemptions(rows: Rows) -> list[str]:
    """Reasons of today's rules to leave a sign out or to replace it."""
    try:
        return list(rows.today.parameter("sign.exemptions").value)
    except NotInForce:
        return []


def svg(row: Sign, rows: Rows) -> str:
    """The sign's map as it is today; a neighbour whose own sign is left out is not drawn."""
    own_ids: set[str] = set(row.cameras)
    cameras: list[Any] = [c for c in rows.cameras if str(c.id) in own_ids]
    others: list[Any] = [c for c in rows.cameras if str(c.id) not in own_ids | rows.hidden]
    return sign_map.draw((float(row.lat), float(row.lon)), cameras, others, row.place)
