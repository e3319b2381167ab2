"""`./dev attack policy [--requests N] [--seed N] [--json FILE]`: generated requests, product against reference model.

Every request is drawn from a seed over role, agency, purpose, ground, state, time, station and act; it is asked of the
policy object with the rooms' rules and the packs of the city, and of tests/model/model.py, which shares no code with
them. A wrong allow, a wrong deny, or a thing of another agency that is told apart from one that is not there is shown.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

from gwanje import law
from gwanje.centre.cameras import rules as camera_rules
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import NOT_FOUND, Policy, Resource
from tests.model.model import ACTS, ALLOW, DENY, HIDDEN, NO_THING, Question, answer

ROOMS = ("cameras", "duties", "inspection", "papers", "playback", "preservation", "publication", "retention",
         "staff", "statistics", "watching")  # fmt: skip
ROLES = (
    "chief_officer", "manager", "operator", "seconded_police", "privacy_officer", "auditor", "maintenance",
    "administrator",
)  # fmt: skip
# days on which something begins or ends, and days between
DAYS = [
    date(2019, 5, 1), date(2020, 7, 9), date(2020, 7, 10), date(2020, 7, 11), date(2020, 8, 4), date(2020, 8, 5),
    date(2021, 2, 28), date(2023, 9, 14), date(2023, 9, 15), date(2026, 6, 30), date(2026, 7, 1), date(2026, 11, 21),
    date(2026, 11, 21), date(2026, 11, 21), date(2028, 2, 29),
]  # fmt: skip
# seconds of a day in Korea: its edges, and the edges of the day in UTC
SECONDS = (0, 1, 9 * 3600 - 1, 9 * 3600, 43_200, 86_399)
GROUNDS = (
    "investigation", "evidence", "trial", "other_law", "subject_request", "consent", "urgent_relief", "statistics",
    "pipa.18.2.7", "pipa.18.2.4", "live_emergency", "",
)  # fmt: skip
WORDS = (
    "", " ", "ab", "네글자다", "네글자다 ", "다섯글자다", "도난 사건의 경위 확인", "\u3000\u3000\u3000\u3000\u3000",
)  # fmt: skip
PURPOSES = (
    "범죄예방", "교통단속", "위법행위 단속", "재난·재해 예방", "시설물 관리", "시민의 생활안전", "근무 감독", "",
)  # fmt: skip
STATUTES = (
    "", "필요함", "도로교통법 제5조", "도로교통법", "제12조", "「개인정보 보호법」 제25조의2", "시행규칙 제 3 조",
    "○○조례 제10조", "계약 제3조", "법률 제16930호",
)  # fmt: skip


def place(number: int) -> UUID:
    """The id of a person or an agency by its small number."""
    return UUID(int=0x1000 + number)


def product(rooms: Iterable[str] = ROOMS) -> Policy:
    """A policy object of its own with the rules of every room."""
    made = Policy()
    for name in rooms:
        import_module(f"gwanje.centre.{name}.rules").register(made)
    return made


def questions(draw: random.Random, count: int) -> Iterator[Question]:
    """``count`` requests; half of them by an ordinary actor about the own agency, so that allows are many."""
    names = sorted(ACTS)
    for _ in range(count):
        yield question(draw, draw.choice(names))


def question(draw: random.Random, action: str) -> Question:
    """One request for an act."""
    tame = draw.random() < 0.6
    person: int | None = draw.randrange(4)
    roles = frozenset(draw.sample(ROLES, draw.choice((1, 1, 1, 1, 0, 2, 2, 3, 8))))
    agency: int | None = draw.choice((1, 1, 1, 2, None))
    if tame:
        agency, roles = 1, frozenset([draw.choice(ROLES[:5])]) if draw.random() < 0.5 else roles
    elif draw.random() < 0.1:
        person = None
        roles, agency = (roles, agency) if draw.random() < 0.5 else (frozenset(), None)
    day = datetime.combine(DAYS[-3] if tame and draw.random() < 0.5 else draw.choice(DAYS), datetime.min.time(), UTC)
    at = int((day - timedelta(hours=9)).timestamp()) + draw.choice(SECONDS)
    return Question(
        action=action,
        at=at,
        person=person,
        roles=roles,
        agency=agency,
        owner=1 if tame else draw.choice((1, 1, 2, None, NO_THING)),
        contractor=draw.random() < (0.1 if tame else 0.4),
        on_shift=draw.random() < (0.9 if tame else 0.6),
        viewing_room=draw.random() < (0.9 if tame else 0.5),
        about=ABOUT.get(action, lambda draw, at, tame: {})(draw, at, tame),
    )


def _some(draw: random.Random, good: Any, all_: Iterable[Any], tame: bool) -> Any:
    return good if draw.random() < (0.8 if tame else 0.4) else draw.choice(list(all_))


def _request(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {
        "ground": draw.choice(GROUNDS[:8]) if tame else draw.choice(GROUNDS),
        "case": _some(draw, "2026형제1234", WORDS, tame),
        "document": _some(draw, "동안서-2026-77", WORDS, tame),
        "purpose": _some(draw, "도난 사건의 경위 확인", WORDS, tame),
    }


def _view(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    states = ("asked", "approved", "refused", "cancelled", "viewed", "expired")
    wild = [
        (draw.randrange(4), draw.choice(ROLES), draw.random() < 0.2)
        for _ in range(draw.choice((0, 1, 1, 2)))
    ]  # fmt: skip
    good = [(3, draw.choice(ROLES[:2]), False)]
    return {
        "requester": draw.randrange(3 if tame else 4),
        "state": _some(draw, "approved", states, tame),
        "valid_until": at + draw.choice((-86_400, -1, 0, 1, 60, 86_400, 86_400)),
        "approvals": good if draw.random() < (0.8 if tame else 0.3) else wild,
    }


def _requester(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {"requester": draw.randrange(4)}


def _opened(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {"opened_by": draw.choice((0, 1, 2, 3, None))}


def _watch(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {
        "camera": draw.random() < 0.9,
        "camera_purposes": draw.sample(PURPOSES, draw.choice((1, 1, 2, 0))),
        "seat_purposes": draw.sample(PURPOSES, draw.choice((0, 0, 1, 2))),
        "emergency": draw.random() < 0.2,
    }


def _widen(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {
        "trigger": draw.choice(("범죄", "재난·재해", "긴급사항", "민원", "")),
        "reason": _some(draw, "중앙공원에 불이 났습니다", WORDS, tame),
        "minutes": draw.choice((-1, 0, 1, 10, 15, 16, 10_000)),
    }


def _steer(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {
        **_watch(draw, at, tame),
        "camera": True,
        "steerable": draw.random() < 0.8,
        "zone": draw.random() < 0.8,
        "cause": draw.choice(("112", "bell", "fire", "rescue", "other", "", "119", "기타")),
        "minutes": draw.choice((-1, 0, 1, 5, 10, 11)),
        "extended": draw.choice((0, 0, 1, 1, 2, -1)),
    }


def _break(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {
        "ground": _some(draw, "urgent_relief", GROUNDS, tame),
        "words": _some(draw, "하천에 사람이 빠졌습니다", (*WORDS, "가" * 300, "가" * 301), tame),
        "cameras": draw.choice((0, 1, 1, 2, 5, 6, -1)),
        "beyond": draw.choice((0, 1, 1, 5, -1)),
        "waiting": draw.choice((0, 0, 0, 1)),
        "late": draw.choice((0, 0, 0, 1)),
        "misuse": draw.choice((0, 0, 0, 1)),
    }


def _look(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {
        "opened_by": draw.choice((0, 1, 2, 3)),
        "same_seat": draw.random() < 0.9,
        "camera": draw.random() < 0.9,
        "open": draw.random() < 0.8,
        "listed": draw.random() < 0.8,
    }


def _camera(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    day = datetime.fromtimestamp(at + 9 * 3600, UTC).date()
    days = [(day + timedelta(days=n)).isoformat() for n in (-400, -1, 0, 1, 400)]
    kinds = ("폐쇄회로 텔레비전", "네트워크 카메라", "드론", "")
    return {
        "purposes": draw.sample(PURPOSES[: 6 if tame else 8], draw.choice((1, 1, 2, 3, 0))),
        "device": _some(draw, kinds[0], kinds, tame),
        "angle_deg": _some(draw, 90, (-1, 0, 1, 360, 361), tame),
        "range_m": _some(draw, 60, (-1, 0, 1, 1000, 1001), tame),
        "active": draw.random() < 0.7,
        "connected": draw.random() < 0.7,
        "exemption": draw.choice(("", "", "효율성 현저히 저하", "국가안보 등 특수 상황", "예산 부족")),
        "foreign": draw.random() < 0.5,
        "mandate": draw.choice(("", "협약 2026-3", "협약 2026-3")),
        "mandate_from": draw.choice((None, *days)),
        "mandate_until": draw.choice((None, *days)),
    }


def _grant(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {
        "role": draw.choice(ROLES),
        "held": draw.sample(ROLES, draw.choice((0, 0, 0, 1, 2))),
        "order": _some(draw, "인사발령 2026-7", WORDS, tame),
        "self": draw.random() < 0.15,
        "holders": draw.choice((0, 1, 2, 3)),
        "limit": draw.choice((1, 3, 3, 10)),
        "to_contractor": draw.random() < 0.3,
    }


def _revoke(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {"chiefs_left": draw.choice((0, 1, 2)), "managers_left": draw.choice((0, 1, 2))}


def _class(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {
        "kind": draw.choice(("days", "days", "months", "none", "permanent", "weeks", "")),
        "value": draw.choice((-1, 0, 1, 29, 30, 31, 32, 1000)),
        "statute": draw.choice(STATUTES),
    }


def _sent(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {"sent_to": draw.randrange(4)}


def _hold(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {
        "ground": draw.choice(GROUNDS[:8]) if tame else draw.choice(GROUNDS),
        "case": _some(draw, "2026형제1234", WORDS, tame),
        "reason": _some(draw, "공판까지 필요합니다", WORDS, tame),
        "reviewer": draw.choice((None, 1, 2, 3)),
        "ends": at + draw.choice((-1, 0, 1, 10 * 86_400, 366 * 86_400, 366 * 86_400 + 1)),
    }


def _form(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    day = datetime.fromtimestamp(at + 9 * 3600, UTC).date()
    days = [(day + timedelta(days=n)).isoformat() for n in (-30, -1, 0, 1, 30)]
    agents = (("", "", "", "", ""), ("김보호", "010", "1980", "부", "안양"), ("김보호", "", "", "", ""))
    return {
        "subject": _some(draw, ("이시민", "010", "1990", "안양"), (("이시민", " ", "1990", "안양"), ("",) * 4), tame),
        "agent": draw.choice(agents),
        "reason": _some(draw, "분쟁 조정에 씁니다", WORDS, tame),
        "keep_from": draw.choice(days),
        "keep_until": draw.choice(days),
        "consent": draw.random() < 0.8,
        "ended": draw.random() < 0.2,
    }


def _deletion(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {
        "cameras": draw.choice((0, 1, 1, 1, 2)),
        "length": draw.choice((-1, 0, 1, 600, 86_400, 86_401)),
        "case": _some(draw, "삭제-7", WORDS, tame),
        "applicant": _some(draw, "이시민", WORDS, tame),
        "reason": _some(draw, "사생활이 찍혔습니다", WORDS, tame),
    }


def _owed(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {"owed_to": draw.choice(ROLES), "owed_person": draw.choice((None, 0, 1, 2, 3))}


def _own(draw: random.Random, at: int, tame: bool) -> dict[str, Any]:
    return {"own": draw.random() < 0.3}


Made = Callable[[random.Random, int, bool], dict[str, Any]]
ABOUT: dict[str, Made] = {
    "playback.request": _request,
    "playback.approve": _requester,
    "playback.view": _view,
    "playback.read": _requester,
    "watching.live.watch": _watch,
    "watching.emergency.open": _widen,
    "watching.emergency.review": _opened,
    "watching.glass.break": _break,
    "watching.glass.watch": _look,
    "watching.glass.end": _opened,
    "watching.glass.review": _opened,
    "watching.glass.restore": _opened,
    "watching.ptz.steer": _steer,
    "watching.ptz.emergency.open": _steer,
    "watching.ptz.emergency.tell": _opened,
    "watching.ptz.emergency.review": _opened,
    "cameras.camera.register": _camera,
    "staff.grant": _grant,
    "staff.revoke": _revoke,
    "retention.set_class": _class,
    "inspection.ticket.progress": _sent,
    **dict.fromkeys(("duties.read", "duties.close"), _owed),
    "preservation.read": _own,
    "preservation.hold": _hold,
    "preservation.ask": _hold,
    "preservation.apply": _form,
    "preservation.delete": _deletion,
    "preservation.decide": _requester,
}


class Product:
    """The product's own answer: actor, resource and context as its services build them, without a database."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or product()
        self.law = law.load(("kr_national", "kr_anyang", "model_policy"))

    def answer(self, q: Question) -> str:
        """ALLOW, DENY or HIDDEN."""
        actor = Actor(
            None if q.person is None else place(q.person),
            "",
            q.roles,
            None if q.agency is None else place(100 + q.agency),
            station="1",
            on_duty=q.on_shift,
            contractor=q.contractor,
        )
        in_force = self.law.at(datetime.fromtimestamp(q.at, UTC))
        resource = None
        if q.owner != NO_THING:
            agency = None if q.owner is None else place(100 + q.owner)
            camera = place(500) if q.about.get("camera") or q.action.startswith("watching.ptz.") else None
            resource = Resource("thing", place(400), agency, camera, _facts(q))
        action = camera_rules.WRITE if q.action == camera_rules.REGISTER else q.action
        decision = self.policy.decide(actor, action, resource, {"law": in_force, **_context(q)})
        if decision.allow and q.action == camera_rules.REGISTER:
            try:
                decision = camera_rules.may_register(_register(q.about), in_force)
            except law.NotInForce:
                return DENY
        if decision.allow:
            return ALLOW
        return HIDDEN if decision.reasons[0].code == NOT_FOUND else DENY


def _who(number: Any) -> UUID | None:
    return None if number is None else place(number)


def _facts(q: Question) -> dict[str, Any]:
    a = q.about
    return {
        "purposes": a.get("camera_purposes", ()),
        "steerable": a.get("steerable", False),
        "zone": a.get("zone", False),
        "opened_by": _who(a.get("opened_by")),
        "contractor": _who(a.get("sent_to")),
        **({"owner_role": a["owed_to"], "person": _who(a["owed_person"])} if "owed_to" in a else {}),
    }


def _register(a: Mapping[str, Any]) -> dict[str, Any]:
    return {**a, "ptz": False, "network": "dedicated", "vpn": "", "schemes": [], "reason": "", "pixels": None}


def _context(q: Question) -> dict[str, Any]:
    """What the service of the act puts beside the law."""
    a = q.about
    if q.action == "playback.request":
        return {"request": dict(a)}
    if q.action == "playback.approve":
        return {"requester": str(place(a["requester"]))}
    if q.action == "playback.read":
        return {"own": a["requester"] == q.person}
    if q.action == "playback.seat":
        facts = {"requester": True, "approved": True, "expired": False}
        return {"view": {"station_playback": q.viewing_room, **facts}}
    if q.action == "playback.view":
        approvers = [{"person": str(place(p)), "roles": [r], "contractor": c} for p, r, c in a["approvals"]]
        view = {
            "station_playback": q.viewing_room,
            "requester": a["requester"] == q.person,
            "approved": a["state"] in ("approved", "viewed"),
            "expired": a["valid_until"] <= q.at,
        }
        return {"view": view, "approval": {"requester": str(place(a["requester"])), "approvers": approvers}}
    if q.action == "watching.glass.break":
        return {"glass": a, "standing": a}
    if q.action == "watching.glass.watch":
        shown = frozenset([place(500)]) if a["listed"] else frozenset()
        where = "1" if a["same_seat"] else "2"
        return {"glass": {"person": _who(a["opened_by"]), "station": where, "cameras": shown, "open": a["open"]}}
    if q.action == "staff.grant":
        renamed = {"ground": a["order"], "contractor": a["to_contractor"]}
        return {"grant": {**a, **renamed}}
    if q.action == "staff.revoke":
        return {"officers": {"chief_officers": a["chiefs_left"], "managers": a["managers_left"]}}
    if q.action.startswith("preservation."):
        return _preservation(q)
    if q.action == "retention.set_class":
        return {"class": dict(a)}
    return {**a, "reason": a.get("cause", a.get("reason"))}


def _preservation(q: Question) -> dict[str, Any]:
    a = q.about
    if q.action == "preservation.read":
        return {"own": a["own"]}
    if q.action == "preservation.decide":
        return {"asked_by": str(place(a["requester"]))}
    if q.action == "preservation.apply":
        subject, agent = (dict(enumerate(a[name])) for name in ("subject", "agent"))
        return {"form": {**a, "subject": subject, "agent": agent, "purpose": a["reason"], "today": q.day.isoformat()}}
    if q.action == "preservation.delete":
        return {"deletion": {**a, "first": q.at, "until": q.at + a["length"]}}
    return {"hold": {**a, "now": q.at, "reviewer": a["reviewer"] or ""}}


@dataclass
class Outcome:
    """Counts of one run and its differences."""

    asked: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    acts: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)


def compare(count: int, seed: int, policy: Policy | None = None) -> Outcome:
    """Ask both ``count`` times."""
    draw, asked, found = random.Random(seed), Product(policy), Outcome()
    for q in questions(draw, count):
        said, wanted = asked.answer(q), answer(q)
        found.asked += 1
        found.answers[wanted] += 1
        if wanted == ALLOW:
            found.acts[q.action] += 1
        if said != wanted:
            kind = "wrong_allow" if said == ALLOW else "wrong_deny" if wanted == ALLOW else "wrong_word"
            found.wrong[kind] += 1
            if len(found.shown) < 20:
                found.shown.append(f"{kind}: product {said}, model {wanted}: {q}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run, print figures; 1 when both did not say the same, or an act was never allowed."""
    parser = argparse.ArgumentParser(prog="./dev attack policy")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    began = time.perf_counter()
    found = compare(given.requests, given.seed)
    unknown = sorted(set(product().actions) ^ (set(ACTS) - {camera_rules.REGISTER}))
    never = sorted(set(ACTS) - set(found.acts))
    figures = {
        "requests": found.asked,
        "seed": given.seed,
        "seconds": round(time.perf_counter() - began, 1),
        "answers": dict(found.answers),
        "wrong_allow": found.wrong["wrong_allow"],
        "wrong_deny": found.wrong["wrong_deny"],
        "wrong_word": found.wrong["wrong_word"],
        "acts": len(ACTS),
        "never_allowed": never,
        "known_to_one_only": unknown,
    }
    for line in found.shown:
        sys.stdout.write(line + "\n")
    sys.stdout.write(json.dumps(figures, ensure_ascii=False, indent=1) + "\n")
    if given.json:
        given.json.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 1 if found.wrong or never or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
