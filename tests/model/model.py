"""Reference model (참조 모형): who may do what, written from the ordinance's text, not from the product.

It imports nothing of the product, has no rules engine, no packs and no registry: one function an act, one sentence a
line, the article beside it (안양시 조례 제3224호; 법 = 개인정보 보호법). What the ordinance leaves open is taken from
docs/design/0007 and 0002. `./dev attack policy` asks both and compares. Where they differ, the text decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any

ALLOW, DENY, HIDDEN = "allow", "deny", "hidden"
NO_THING = -1  # the question names nothing in particular
IN_FORCE = date(2020, 7, 10)  # 부칙: 공포한 날부터 시행
# 법 제25조제5항 and 제21조제3항 stood before the ordinance: what was steered or kept under them is looked at
# and 법 제28조제1항 (only as many people as are needed) and 제36조 (a deletion asked for), of which these acts are made
ACT_SINCE = date(2011, 9, 30)
EARLIER = dict.fromkeys(
    (
        "watching.ptz.emergency.review", "preservation.read", "preservation.delete",
        "cameras.address.read", "cameras.recorder.read",
        *(f"cameras.registry.{act}" for act in ("export", "read", "write")),
        *(f"duties.{act}" for act in ("begin", "close", "read")),
        *(f"inspection.{act}" for act in ("fault.enter", "fault.sign", "journal.read", "month.close")),
        *(f"inspection.ticket.{act}" for act in ("progress", "read", "send")),
        *(f"papers.form.{act}" for act in ("fill", "read", "type")),
        *(f"publication.{act}" for act in ("desk.read", "sign.write", "text.write", "version.announce")),
        *(f"retention.{act}" for act in ("certificate", "countersign", "read")),
        *(f"staff.{act}" for act in ("codes", "grant", "manage", "read", "revoke", "shift", "transfer")),
        *(f"statistics.table.{act}" for act in ("check", "read")),
        "watching.events.read", *(f"watching.glass.{act}" for act in ("end", "read", "restore", "review")),
    ),
    ACT_SINCE,
)  # fmt: skip

CHIEF, MANAGER, OPERATOR, POLICE = "chief_officer", "manager", "operator", "seconded_police"
PRIVACY, AUDITOR, UPKEEP, ADMIN = "privacy_officer", "auditor", "maintenance", "administrator"
# 제20조: watching and upkeep may be handed to a contractor, the rest of running the centre may not
FOR_CONTRACTORS = {OPERATOR, UPKEEP}
WATCHERS, REVIEWERS = (OPERATOR, POLICE, MANAGER, CHIEF), (MANAGER, CHIEF, PRIVACY)


@dataclass(frozen=True)
class Question:
    """One request. ``at``: Unix seconds. ``person`` None = a stranger; people, agencies: small numbers.

    ``owner``: agency whose thing it is, None = nobody's, NO_THING = about nothing in particular.
    """

    action: str
    at: int
    person: int | None
    roles: frozenset[str]
    agency: int | None
    owner: int | None
    contractor: bool = False
    on_shift: bool = True
    viewing_room: bool = True
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def day(self) -> date:
        """The day in Korea."""
        return date.fromordinal(date(1970, 1, 1).toordinal() + (self.at + 9 * 3600) // 86_400)

    def is_(self, *offices: str) -> bool:
        """Holds one of these offices truly: what 제20조 keeps from a contractor does not count in its hand."""
        held = self.roles & FOR_CONTRACTORS if self.contractor else self.roles
        return bool(held & set(offices))


def answer(q: Question) -> str:
    """ALLOW, DENY, or HIDDEN: what belongs to another agency does not exist for who asks."""
    if q.owner not in (NO_THING, None if q.person is None else q.agency):
        return HIDDEN
    if q.owner is None or q.owner == NO_THING or q.person is None:
        return DENY
    if q.action not in ACTS or q.day < EARLIER.get(q.action, IN_FORCE):
        return DENY
    return ALLOW if ACTS[q.action](q) else DENY


# 저장 영상 (제28조제2항: 재생을 엄격히 금지, 단서의 경우만)
def may_ask(q: Question) -> bool:
    """Officers on shift; never who keeps the machines, never a contractor (제28조제1항·제2항, 0007)."""
    if q.contractor or q.roles & {ADMIN, UPKEEP}:
        return False
    return q.on_shift and q.is_(CHIEF, MANAGER, PRIVACY, POLICE, OPERATOR)


# 제28조제2항 단서와 제30조제1항 각 호. 5호(통계)는 법 제18조제2항제4호에 기대며 그 호는 2020. 8. 5. 삭제되었다.
# 3호, 제28조제2항 단서, 4호, 2호, 1호와 제29조, 1호, 6호
STANDING = ("investigation", "evidence", "trial", "other_law", "subject_request", "consent", "urgent_relief")
LAST_DAY = {**dict.fromkeys(STANDING, date.max), "statistics": date(2020, 8, 4)}


def may_request(q: Question) -> bool:
    """And with a ground of that day, its document, a case and a purpose in words."""
    a = q.about
    if q.day > LAST_DAY.get(a["ground"], date.min):
        return False
    named = bool(a["document"].strip()) and bool(a["case"].strip())
    return may_ask(q) and named and len(a["purpose"].strip()) >= 5


def may_approve(q: Question) -> bool:
    """One of the two officers of 제27조, on shift, who did not ask."""
    return q.is_(CHIEF, MANAGER) and q.on_shift and not q.contractor and q.person != q.about["requester"]


def may_view(q: Question) -> bool:
    """Who asked, at a station of the viewing room, while an approval by another officer of 제27조 is good."""
    a = q.about
    if q.person != a["requester"] or a["state"] not in ("approved", "viewed") or q.at >= a["valid_until"]:
        return False
    good = [p != a["requester"] and not c and role in (CHIEF, MANAGER) for p, role, c in a["approvals"]]
    return bool(good) and all(good) and may_ask(q) and q.viewing_room


# 실시간 관제 (제17조, 제22조)
def watches(q: Question) -> bool:
    """On shift, in an office that watches (제22조제1항)."""
    return q.on_shift and q.is_(*WATCHERS)


def may_watch(q: Question) -> bool:
    """By the seat's purposes (제22조제2항), but in an emergency (제17조제2항)."""
    a = q.about
    fits = any(purpose in a["seat_purposes"] for purpose in a["camera_purposes"])
    return watches(q) and (fits or not a["camera"] or not a["seat_purposes"] or a["emergency"])


def may_widen(q: Question) -> bool:
    """제17조제2항: crime, disaster, another emergency; said in words, at most 15 minutes (a setting of the centre)."""
    a = q.about
    if a["trigger"] not in ("범죄", "재난·재해", "긴급사항") or not 0 < a["minutes"] <= 15:
        return False
    return watches(q) and len(a["reason"].strip()) >= 5


def may_review(q: Question) -> bool:
    """Another officer looks afterwards, an official."""
    return not q.contractor and q.is_(*REVIEWERS) and q.about["opened_by"] != q.person


# 비상 열람 (본보기 방침 제2조, 제3조): it never opens stored video, another agency's camera, or a stick
def may_break(q: Question) -> bool:
    """Who watches, an official; an urgent ground, words, one to five cameras, one beyond the right; none unreviewed."""
    a = q.about
    urgent = a["ground"] == "urgent_relief" and 5 <= len(a["words"].strip()) <= 300 and 1 <= a["cameras"] <= 5
    clean = not (a["waiting"] or a["late"] or a["misuse"])
    return urgent and a["beyond"] > 0 and clean and not q.contractor and q.is_(*WATCHERS)


def may_look(q: Question) -> bool:
    """Who opened it, where it was opened, the cameras that it names, until it ends."""
    a = q.about
    mine = q.person == a["opened_by"] and a["same_seat"] and not q.contractor and q.is_(*WATCHERS)
    return mine and a["open"] and a["camera"] and a["listed"]


def may_steer(q: Question) -> bool:
    """제11조제1항: inside the zone of its purpose, by who watches that camera."""
    return may_watch(q) and bool(q.about["steerable"]) and bool(q.about["zone"])


def may_leave(q: Question) -> bool:
    """제11조제1항 단서: urgent measures with a named cause; ten minutes, once more at most; officials only."""
    a = q.about
    short = 1 <= a["minutes"] <= 10 and a["extended"] in (0, 1)
    return may_steer(q) and not q.contractor and a["cause"] in ("112", "bell", "fire", "rescue", "other") and short


# 영상정보처리기기 (제2조, 제5조제2항, 제7조, 제8조, 제16조, 제25조)
PURPOSES = {"범죄예방", "교통단속", "위법행위 단속", "재난·재해 예방", "시설물 관리", "시민의 생활안전"}  # 제8조


def may_register(q: Question) -> bool:
    """제8조 purpose, 제2조제2호 kind, 제5조제2항 least, 제7조·제16조 integrated, 제25조 mandate."""
    a = q.about
    kind = a["device"] in ("폐쇄회로 텔레비전", "네트워크 카메라")
    if not kind or not a["purposes"] or not set(a["purposes"]) <= PURPOSES:
        return False
    if not (1 <= a["angle_deg"] <= 360 and 1 <= a["range_m"] <= 1000):
        return False
    exempt = a["exemption"] in ("효율성 현저히 저하", "국가안보 등 특수 상황")  # 제16조제3항
    if a["active"] and not (a["connected"] or exempt):
        return False
    begun = a["mandate"] and a["mandate_from"] and a["mandate_from"] <= q.day.isoformat()
    if a["active"] and a["foreign"] and not (begun and q.day.isoformat() <= (a["mandate_until"] or "9999")):
        return False
    return not q.contractor and q.is_(ADMIN, MANAGER, CHIEF)


# 인력과 권한 (제20조, 제27조, 제28조제1항); who keeps the machines or audits does not open pictures (0007)
APART = {
    ADMIN: {OPERATOR, POLICE, CHIEF, MANAGER, AUDITOR},
    AUDITOR: {CHIEF, MANAGER, OPERATOR, POLICE, ADMIN},
    **{office: {ADMIN, AUDITOR} for office in (OPERATOR, POLICE, CHIEF, MANAGER)},
}


def may_grant(q: Question) -> bool:
    """As few as needed, with its order, never to oneself, never two that are kept apart, no office to a contractor."""
    a = q.about
    if a["self"] or len(a["order"].strip()) < 2 or a["role"] in a["held"] or a["holders"] >= a["limit"]:
        return False
    apart = APART.get(a["role"], set()) & set(a["held"])
    # 제20조 stands from the ordinance's first day
    whole = q.day >= IN_FORCE and a["to_contractor"] and a["role"] not in FOR_CONTRACTORS
    return not apart and not whole and q.is_(CHIEF, ADMIN)


def may_revoke(q: Question) -> bool:
    """제27조제1항, from the ordinance's first day: a chief officer and a manager stand at all times."""
    stand = q.about["chiefs_left"] > 0 and q.about["managers_left"] > 0
    return q.is_(CHIEF, ADMIN) and (stand or q.day < IN_FORCE)


# 보관과 파기 (제31조)
def may_set_class(q: Question) -> bool:
    """제31조제1항: 30 days at most, unless another statute provides for it (1호)."""
    kind, value = q.about["kind"], q.about["value"]
    counted = kind in ("days", "months")
    if not q.is_(CHIEF, MANAGER) or (kind not in ("none", "permanent") and not counted) or (counted and value < 1):
        return False
    if kind == "none" or (kind == "days" and value <= 30):
        return True
    return re.search(r"(법|령|규칙|조례)[^\n]*제\s*[0-9]+조", q.about["statute"]) is not None


# 보존, 연장, 삭제 (제29조제1항, 제31조제1항 각 호, 별지 제3호서식, 법 제21조제3항: kept apart, for named officers only)
FOR_A_HOLD = {"investigation", "evidence", "trial", "other_law", "subject_request"}  # 제31조제1항제1호부터 제3호


def may_hold(q: Question) -> bool:
    """With a ground of that day, a case, a reason, a reviewer, and an end within 366 days."""
    a = q.about
    said = bool(a["case"].strip()) and len(a["reason"].strip()) >= 5 and a["reviewer"] is not None
    return a["ground"] in FOR_A_HOLD and said and q.at < a["ends"] <= q.at + 366 * 86_400


def may_apply(q: Question) -> bool:
    """별지 제3호서식: subject, agent whole or none, reason, period, the consent to its end; before the old end."""
    a, agent = q.about, [bool(text.strip()) for text in q.about["agent"]]
    if not all(text.strip() for text in a["subject"]) or any(agent) != all(agent) or a["ended"]:
        return False
    period = a["keep_from"] <= a["keep_until"] and a["keep_until"] > q.day.isoformat()
    return period and len(a["reason"].strip()) >= 5 and a["consent"] is True


def may_delete(q: Question) -> bool:
    """One camera, a day at most, for an applicant with a case and a reason (제29조제1항)."""
    a = q.about
    named = bool(a["case"].strip()) and bool(a["applicant"].strip()) and len(a["reason"].strip()) >= 5
    return a["cameras"] == 1 and 0 < a["length"] <= 86_400 and named


def _on_shift(q: Question, *more: str) -> bool:
    return q.on_shift and not q.contractor and q.is_(CHIEF, MANAGER, PRIVACY, *more)


def _office(*offices: str, contractors: bool = True) -> Callable[[Question], bool]:
    return lambda q: (contractors or not q.contractor) and q.is_(*offices)


_official = partial(_office, contractors=False)


def _owed(over: tuple[str, ...], *others: str) -> Callable[[Question], bool]:
    """Who has a whole board, and of the others whose duty it is by office or by name."""
    return lambda q: (
        q.is_(*over) or (q.is_(*others) and (q.is_(q.about["owed_to"]) or q.person == q.about["owed_person"]))
    )


ACTS: dict[str, Callable[[Question], bool]] = {
    "playback.ask": may_ask,
    "playback.request": may_request,
    "playback.approve": may_approve,
    "playback.view": may_view,
    "playback.seat": lambda q: may_ask(q) and q.viewing_room,
    "playback.read": lambda q: q.person == q.about["requester"] or q.is_(CHIEF, MANAGER, PRIVACY, AUDITOR),
    "watching.live.watch": may_watch,
    "watching.emergency.open": may_widen,
    "watching.emergency.review": may_review,
    "watching.events.read": lambda q: True,
    "watching.glass.break": may_break,
    "watching.glass.watch": may_look,
    "watching.glass.end": lambda q: q.about["opened_by"] == q.person or (not q.contractor and q.is_(*REVIEWERS)),
    "watching.glass.review": may_review,
    "watching.glass.restore": lambda q: may_review(q) and q.is_(CHIEF, PRIVACY),
    "watching.glass.read": _office(OPERATOR, POLICE, MANAGER, CHIEF, PRIVACY, AUDITOR),
    "watching.ptz.steer": may_steer,
    "watching.ptz.emergency.open": may_leave,
    "watching.ptz.emergency.tell": lambda q: watches(q) and q.about["opened_by"] == q.person,
    "watching.ptz.emergency.review": may_review,
    "cameras.registry.read": lambda q: True,
    "cameras.registry.write": _official(ADMIN, MANAGER, CHIEF),
    "cameras.registry.export": _official(ADMIN, MANAGER, CHIEF, PRIVACY, AUDITOR),
    "cameras.address.read": _official(ADMIN),
    "cameras.recorder.read": _official(ADMIN, MANAGER, CHIEF, OPERATOR, PRIVACY, AUDITOR),
    "cameras.camera.register": may_register,
    "staff.read": _office(CHIEF, MANAGER, PRIVACY, AUDITOR, ADMIN),
    "staff.manage": _office(CHIEF, ADMIN),
    "staff.grant": may_grant,
    "staff.revoke": may_revoke,
    "staff.codes": _office(CHIEF, MANAGER),
    "staff.transfer": _office(CHIEF, ADMIN),
    "staff.shift": lambda q: bool(q.roles & (FOR_CONTRACTORS if q.contractor else q.roles)),
    "retention.read": _office(CHIEF, MANAGER, PRIVACY, AUDITOR, OPERATOR),
    "retention.certificate": _office(CHIEF, MANAGER, PRIVACY, AUDITOR),
    "retention.set_class": may_set_class,
    "retention.countersign": _office(MANAGER, PRIVACY),
    "preservation.read": lambda q: not q.contractor and (q.about["own"] or q.is_(CHIEF, MANAGER, PRIVACY, AUDITOR)),
    "preservation.hold": lambda q: may_hold(q) and _on_shift(q, POLICE, OPERATOR),
    "preservation.ask": lambda q: may_hold(q) and _on_shift(q),
    "preservation.apply": lambda q: may_apply(q) and _on_shift(q),
    "preservation.delete": lambda q: may_delete(q) and _on_shift(q),
    "preservation.decide": may_approve,
    "inspection.journal.read": _official(CHIEF, MANAGER, OPERATOR, PRIVACY, AUDITOR),
    **dict.fromkeys(("inspection.fault.sign", "inspection.fault.enter"), _official(CHIEF, MANAGER, OPERATOR)),
    **dict.fromkeys(("inspection.ticket.send", "inspection.month.close"), _official(CHIEF, MANAGER)),
    # 0046: an office's duty is closed by that office, by the person it names, by a manager or the chief
    "duties.read": _owed((CHIEF, MANAGER, PRIVACY, AUDITOR, ADMIN), OPERATOR, POLICE),
    "duties.close": _owed((CHIEF, MANAGER), PRIVACY, ADMIN, OPERATOR, POLICE),
    "duties.begin": _office(CHIEF, MANAGER, PRIVACY),
    "papers.form.read": _official(CHIEF, MANAGER, OPERATOR, PRIVACY, AUDITOR, ADMIN, POLICE),
    "papers.form.type": _official(CHIEF, MANAGER, OPERATOR, PRIVACY),
    "papers.form.fill": _official(CHIEF, MANAGER, PRIVACY, AUDITOR),
    "publication.desk.read": _official(CHIEF, MANAGER, PRIVACY, AUDITOR),
    **dict.fromkeys(("publication.text.write", "publication.sign.write"), _official(CHIEF, MANAGER, PRIVACY)),
    "statistics.table.read": _official(CHIEF, MANAGER, OPERATOR, PRIVACY, AUDITOR),
    "statistics.table.check": _official(CHIEF, MANAGER, PRIVACY, AUDITOR),
    "publication.version.announce": _official(CHIEF, PRIVACY),
    "inspection.ticket.read": _office(UPKEEP),
    # 제12조: the steps of a repair are written by whom the ticket was sent to
    "inspection.ticket.progress": lambda q: q.is_(UPKEEP) and q.about["sent_to"] == q.person,
}
