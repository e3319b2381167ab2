"""What is signed of holds and deletions, by whom and in which order; a real vaultd says what the bytes are.

Signatures themselves, in a browser: tests/browser/test_signing.py.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

import pytest

from gwanje.centre.common import clock
from gwanje.centre.common import signing as common
from gwanje.centre.common.refusal import Problem
from gwanje.centre.preservation import deletion, services, signing
from gwanje.centre.preservation.models import Consent, Deletion, Hold, HoldAct
from gwanje.centre.preservation.services import Wanted
from gwanje.centre.staff import api as staff
from gwanje.kernel.canonical import encode
from gwanje.kernel.permit import Approval
from gwanje.vault.client_consent import Signing
from gwanje.vault.holds import Wanted as AskedHold
from support.playback import kinds
from support.preservation import post

pytestmark = pytest.mark.django_db


@pytest.fixture
def people(officer, sign_in):
    """Accounts and browsers of a manager and the chief officer, on duty."""
    made = {role: officer(role) for role in ("manager", "chief_officer", "privacy_officer")}
    return {role: (person, sign_in(person, duty=True)) for role, person in made.items()}


@pytest.fixture
def actors(people):
    """The same as actors."""
    return {role: staff.actor_for(person, "관제석-1") for role, (person, _) in people.items()}


@pytest.fixture
def signing_on(monkeypatch):
    """Officers have keys, as far as the centre knows; vaultd, which asks for none here, still says the words."""
    monkeypatch.setattr(common, "standing", lambda: Signing(True, frozenset(), ()))


def consented(target, act, person) -> Approval:
    """A consent as it is stored; whether it is true only vaultd can tell."""
    made = Approval(person.pk, "manager", act.body["decision"], 1, "webauthn", b"proof")
    Consent.objects.create(
        agency_id=person.agency_id, target=target, kind=act.kind, person=person, body=encode(dict(act.body)),
        digest=act.digest, consent=encode(made.body()), at="2026-11-21T00:00:00Z",
    )  # fmt: skip
    return made


def asked(camera, span, actors):
    return Wanted(
        (camera.pk,), *span, "investigation", "형사과-1234", "절도 사건의 동선 확인", actors["manager"].person
    )


def test_a_new_hold_is_signed_before_it_stands(camera, span, actors, signing_on):
    with pytest.raises(signing.SignFirst) as first:
        services.provisional(asked(camera, span, actors), actors["chief_officer"])
    waits = first.value
    assert (waits.status, waits.act.kind, Hold.objects.count()) == (409, "hold", 0)
    assert "preservation.hold.made" not in kinds()
    assert waits.said[str(camera.pk)].startswith("A-0201")
    # vaultd can say every field of it in words, and sent again with its id and moment it is the same act
    assert common.lead(actors["chief_officer"], waits.act.kind, waits.act.body, waits.said, "").url
    with pytest.raises(signing.SignFirst) as again:
        services.provisional(asked(camera, span, actors), actors["chief_officer"], waits.fixed)
    assert again.value.act.digest == waits.act.digest
    # another one is another act
    with pytest.raises(signing.SignFirst) as other:
        services.provisional(asked(camera, span, actors), actors["chief_officer"])
    assert other.value.act.digest != waits.act.digest


def test_who_asked_signs_before_who_decides(camera, span, actors, people, monkeypatch):
    hold = services.provisional(asked(camera, span, actors), actors["chief_officer"])
    act = services.ask_end(hold.pk, actors["chief_officer"], "사건이 종결됨")
    monkeypatch.setattr(common, "standing", lambda: Signing(True, frozenset(), ()))
    whole = signing.act_of(act)
    assert signing.mine(act.pk, whole, actors["chief_officer"])
    assert not signing.mine(act.pk, whole, actors["manager"])
    with pytest.raises(Problem, match="asker_first"):
        services.agree(hold.pk, act.pk, actors["manager"])
    consented(act.pk, whole, people["chief_officer"][0])
    assert not signing.mine(act.pk, whole, actors["chief_officer"])
    with pytest.raises(signing.SignFirst) as first:
        services.agree(hold.pk, act.pk, actors["manager"])
    assert first.value.act.digest == whole.digest
    # a signature of the centre's own making ends nothing
    consented(act.pk, whole, people["manager"][0])
    with pytest.raises(Problem, match="vault_"):
        services.agree(hold.pk, act.pk, actors["manager"])
    assert HoldAct.objects.get(pk=act.pk).state == "asked"


def test_who_asks_for_a_deletion_fixes_its_seconds(camera, span, actors, people, monkeypatch):
    wanted = deletion.Unwanted((camera.pk,), span[0], span[1], "접수-7", "홍길동", "사생활 침해로 삭제를 청구함")
    row = deletion.ask(wanted, actors["chief_officer"])
    monkeypatch.setattr(common, "standing", lambda: Signing(True, frozenset(), ()))
    assert deletion.unsigned(row)
    act = deletion.act_of(row, actors["chief_officer"])
    assert act.body["spans"] == [[1, span[0], span[1]]]
    consented(row.pk, act, people["chief_officer"][0])
    assert not deletion.unsigned(row)
    # what died since does not change what was signed
    assert signing.closing_of(row, [(1, span[0] + 5, span[1])]).digest == act.digest
    with pytest.raises(signing.SignFirst) as first:
        deletion.agree(row.pk, actors["manager"])
    assert first.value.act.digest == act.digest
    assert Deletion.objects.get(pk=row.pk).state == "waiting"


def test_a_consent_to_another_act_does_not_count(camera, span, actors, people):
    hold = services.provisional(asked(camera, span, actors), actors["chief_officer"])
    act = services.ask_end(hold.pk, actors["chief_officer"], "사건이 종결됨")
    other = AskedHold(hold.pk, "trial", "g", "c", hold.reviewer_id, (), 1, b"d" * 32).act(act.asked_by_id)
    consented(act.pk, other, people["chief_officer"][0])
    assert signing.kept(act.pk, signing.act_of(act), act.asked_by_id) is None


def test_what_was_typed_waits_until_it_is_signed(camera, span, people, signing_on):
    _, browser = people["chief_officer"]
    local = [f"{datetime.fromtimestamp(at, clock().zone):%Y-%m-%d %H:%M:%S}" for at in span]
    form = {
        "step": "hold", "cameras": [str(camera.pk)], "first": local[0], "until": local[1], "ground": "investigation",
        "case": "형사과-1234", "reason": "절도 사건의 동선 확인",
    }  # fmt: skip
    led = browser.post("/preservation/new/", form)
    assert led.status_code == 302
    assert "/sign/" in led["Location"]
    back = browser.get("/preservation/signed/")
    assert b"data-send" in back.content
    # nobody has signed: said in words, and nothing of it is lost
    tried = browser.post("/preservation/signed/")
    assert tried.status_code == 409
    assert "서명이 필요합니다" in tried.content.decode()
    assert b"data-send" not in tried.content
    again = browser.post("/preservation/signed/", {"again": "1"})
    assert again["Location"] != led["Location"]
    assert Hold.objects.count() == 0


def test_the_api_says_where_to_sign_and_goes_on_with_the_same_request(camera, span, people, wanted, monkeypatch):
    """What vaultd gives back is made here; a browser's own signatures: tests/browser/test_signing.py."""
    _, browser = people["chief_officer"]
    monkeypatch.setattr(common, "standing", lambda: Signing(True, frozenset(), ()))
    led = post(browser, "holds", wanted())
    said = led.json()
    assert (led.status_code, said["error"], Hold.objects.count()) == (409, "signature_needed", 0)
    assert f"/sign/{said['sign']}?as=" in said["url"]
    # nobody has signed yet: the same page again, no second one
    tried = post(browser, "holds", wanted(sign=said["sign"]))
    assert (tried.status_code, tried.json()["sign"], tried.json()["url"]) == (409, said["sign"], said["url"])
    # an id that this session was not given leads to a page of its own
    other = post(browser, "holds", wanted(sign="0" * 32)).json()
    assert other["sign"] not in (said["sign"], "0" * 32)

    def signs(target, actor, sign, kind, body):
        assert (sign.hex(), kind) == (said["sign"], "hold")
        Consent.objects.create(
            agency_id=actor.agency, target=target, kind=kind, person_id=actor.person, body=body,
            digest=hashlib.sha256(body).digest(), at="2026-11-21T00:00:00Z",
            consent=encode(Approval(actor.person, "chief_officer", bytes(32), 1, "webauthn", b"proof").body()),
        )  # fmt: skip

    monkeypatch.setattr(signing, "keep", signs)
    # taken in, it is exactly the act that was led to; vaultd alone says whether the signature is true
    done = post(browser, "holds", wanted(sign=said["sign"]))
    assert done.status_code == 409
    assert done.json()["error"].startswith("vault_")
    assert (Hold.objects.count(), Consent.objects.count()) == (0, 0)


def test_the_api_asks_who_asked_to_sign_and_lets_nobody_decide_before(camera, span, people, wanted, monkeypatch):
    browsers = {role: browser for role, (_, browser) in people.items()}
    hold = post(browsers["chief_officer"], "holds", wanted()).json()["id"]
    act = post(browsers["chief_officer"], f"holds/{hold}/end", {"reason": "사건이 종결됨"}).json()["id"]
    path = f"holds/{hold}/acts/{act}"
    assert post(browsers["chief_officer"], f"{path}/sign").json() == {"sign": "", "url": ""}
    monkeypatch.setattr(common, "standing", lambda: Signing(True, frozenset(), ()))
    early = post(browsers["manager"], f"{path}/agree")
    assert (early.status_code, early.json()["error"]) == (409, "asker_first")
    assert "sign" not in early.json()
    assert post(browsers["manager"], f"{path}/sign").json() == {"sign": "", "url": ""}
    led = post(browsers["chief_officer"], f"{path}/sign").json()
    assert f"/sign/{led['sign']}?as=" in led["url"]
    unsigned = post(browsers["chief_officer"], f"{path}/signed", {"sign": led["sign"]})
    assert (unsigned.status_code, unsigned.json()["url"]) == (409, led["url"])
    # another row's id is no signature of this one
    second = post(browsers["chief_officer"], "holds", wanted()).json()["sign"]
    stray = post(browsers["manager"], f"{path}/signed", {"sign": second})
    assert (stray.status_code, stray.json()["error"]) == (409, "signature_needed")


def test_the_document_of_the_api_names_the_signing_page(people):
    _, browser = people["manager"]
    document = browser.get("/api/openapi.json").json()
    named = [
        path
        for path, methods in document["paths"].items()
        if "409" in methods.get("post", {}).get("responses", {}) and path.startswith("/api/preservation/")
    ]
    assert len(named) == 4
    schema = document["components"]["schemas"]["SignNeeded"]
    assert {"sign", "url", "error"} <= set(schema["properties"])
    assert "15" in schema["description"]
