"""vaultd's own pages over real sockets: what they show, what they refuse, and that nothing leaks of what waits."""

from __future__ import annotations

import hashlib
import re
import socket
from base64 import b64encode
from contextlib import suppress
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from officer_rig import SecurityKey, officers
from pages_rig import SCRIPT, Browser, read, script, serving, talk

import support
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.vault import attest, codes
from gwanje.vault.console import Console
from gwanje.vault.errors import VaultError
from gwanje.vault.officer_keys import Tickets
from gwanje.vault.pages import http, words
from gwanje.vault.pages.app import Pages
from gwanje.vault.pages.server import place
from gwanje.vault.records import Officer

BACK = "http://localhost:{port}/playback/requests/1/"


@pytest.fixture
def scene(centre, vault, tmp_path, monkeypatch):
    """Three officers with keys, and vaultd's pages beside them."""
    monkeypatch.setenv("GWANJE_PORT", str(support.free_port()))
    made = officers(centre, vault)
    made.pages = Pages(centre.home, made.consents, Tickets(vault), script=script(tmp_path))
    with serving(made.pages) as port:
        made.web = Browser(port, f"http://localhost:{port}")
        for key in made.keys.values():
            if hasattr(key, "origin"):
                key.origin = made.web.origin
        yield made


def waiting(scene, *, urgent: bool = False, **changes) -> str:
    """Path of an act that waits to be signed."""
    said = {
        str(scene.centre.camera): "시청 앞 <b>1</b>", str(scene.centre.requester.id): "김관제", "ground": "수사",
        "asked": "2026-11-20 03:12:47 ~ 03:12:55",
    }  # fmt: skip
    if urgent:
        with scene.vault.change() as draft:
            draft.rules = {**draft.rules, "urgent": ["investigation"]}
    back = BACK.format(port=scene.centre.home.port)
    return f"/sign/{scene.consents.pend('open', scene.body(**changes), said, back).hex()}"


def sign(scene, path: str, person: UUID):
    """As the page's script does it: options, the key, finish."""
    asked = scene.web.post(f"{path}/options", {"person": str(person)})
    assert asked.status == 200, asked.text
    credential = scene.keys[person].get(asked.json["options"])
    return scene.web.post(f"{path}/finish", {"person": str(person), "credential": credential})


# --- what stands there --------------------------------------------------------------------------------------------


def test_the_page_says_it_all_without_a_script_and_names_whose_word_it_is(scene):
    path, asker = waiting(scene), scene.centre.requester.id
    page = scene.web.get(f"{path}?as={asker}")
    assert page.status == 200
    body = scene.consents.shown(bytes.fromhex(path[6:])).body
    for text in ("저장 영상 열람·재생에 서명", "형사과-1234", "김관제", "센터가 말한 이름", str(scene.centre.camera),
                 "관제요원", "<dd>10초</dd>", "2026-11-20 03:12:47", body["decision"].hex()):  # fmt: skip
        assert text in page.text
    # a name is text, never markup
    assert "시청 앞 &lt;b&gt;1&lt;/b&gt;" in page.text
    assert "<b>1</b>" not in page.text
    assert f"href='{BACK.format(port=scene.centre.home.port)}'" in page.text
    assert "id='key'" in page.text
    assert "id='spoken'" not in page.text


def test_every_answer_is_shut_in(scene):
    path = waiting(scene)
    digest = hashlib.sha256(SCRIPT.encode()).digest()
    for reply in (scene.web.get(path), scene.web.get("/sign/" + "0" * 32), scene.web.get(f"{path}/state")):
        policy = reply.fields["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'sha256-" + b64encode(digest).decode() + "';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert reply.fields["cache-control"] == "no-store"
        assert reply.fields["x-frame-options"] == "DENY"
        assert reply.fields["referrer-policy"] == "no-referrer"
        assert not {"set-cookie", "access-control-allow-origin", "server"} & set(reply.fields)
    page = scene.web.get(path).text
    found = re.search(r'<script src="(/page/([0-9a-f]{64})\.js)" integrity="sha256-', page)
    assert found
    assert found[2] == digest.hex()
    script_ = scene.web.get(found[1])
    assert (script_.body, script_.fields["content-type"]) == (SCRIPT.encode(), "text/javascript; charset=utf-8")
    assert scene.web.get(f"/page/{'0' * 64}.js").status == 404


def test_what_is_not_there_has_one_answer(scene):
    path = waiting(scene)
    nothing = scene.web.get("/sign/" + "0" * 32)
    assert nothing.status == 404
    assert "기한" in nothing.text
    gone = [
        scene.web.get(p)
        for p in ("/", "/sign/", "/sign/x", path[:-1], path + "0", path.upper(), path + "/other", path + "/options",
                  "/register/" + "0" * 32, "/page/../sign.css", "/sign/" + "0" * 32 + "/state")
    ]  # fmt: skip
    assert {(r.status, r.body) for r in gone} == {(404, nothing.body)}
    assert scene.web.post("/sign/" + "0" * 32 + "/options", {"person": str(uuid7())}).json["error"] == "consent_gone"
    assert scene.web.get(f"{path}/state").json == {"state": "open", "signatures": 0}


def test_an_act_that_ended_is_gone(scene, monkeypatch):
    path = waiting(scene)
    monkeypatch.setattr("gwanje.vault.consent.monotonic", lambda: 1e12)
    assert scene.web.get(path).body == scene.web.get("/sign/" + "0" * 32).body


def test_each_camera_of_a_hold_stands_beside_its_own_name_and_seconds(scene):
    other, now = uuid7(), scene.vault.clock.now_s()
    spans = [[scene.centre.camera.bytes, 0, 1, now - 60, now - 50], [other.bytes, 1, 1, now - 40, now - 33]]
    body = {
        "decision": bytes(32), "person": scene.centre.requester.id.bytes, "id": uuid7().bytes, "kind": "provisional",
        "ground": "investigation", "case": "형사과-1", "reviewer": scene.centre.second.id.bytes, "spans": spans,
        "ends": now + 86_400,
    }  # fmt: skip
    said = {str(scene.centre.camera): "시청 앞", str(other): "역 광장"}
    id_ = scene.consents.pend("hold", body, said)
    page = scene.web.get(f"/sign/{id_.hex()}?as={scene.centre.requester.id}").text
    rows = re.findall(r"<tr><td>(\d)</td><td>(.*?)</td><td class='known'>(.*?)</td></tr>", page)
    assert [(n, name) for n, name, _ in rows] == [("1", "시청 앞"), ("2", "역 광장")]
    assert [str(scene.centre.camera) in rows[0][2], str(other) in rows[1][2], "7초" in rows[1][2]] == [True] * 3


# --- signing ------------------------------------------------------------------------------------------------------


def test_two_officers_sign_here_and_the_web_fetches_both(scene):
    path, centre = waiting(scene), scene.centre
    done = sign(scene, path, centre.requester.id)
    assert done.json == {"ok": True, "done": True, "ko": "서명하였습니다.", "en": "Signed."}
    page = scene.web.get(f"{path}?as={centre.requester.id}").text
    assert "이미 서명하였습니다" in page
    assert "id='key'" not in page
    assert "김관제 (관제요원)</b> · 보안키" in page
    assert scene.web.post(f"{path}/options", {"person": str(centre.requester.id)}).json["error"] == "consent_twice"
    assert sign(scene, path, centre.approver.id).json["ok"]
    given = scene.consents.consents(bytes.fromhex(path[6:]))
    assert [a["person"] for a in given] == [centre.requester.id.bytes, centre.approver.id.bytes]
    assert scene.web.get(f"{path}/state").json["signatures"] == 2


def test_who_may_not_sign_reads_why_before_touching_a_key(scene):
    path, centre = waiting(scene), scene.centre
    assert "등록된 담당공무원이 아닙니다" in scene.web.get(f"{path}?as={uuid7()}").text
    assert "등록된 담당공무원이 아닙니다" in scene.web.get(path).text
    # the third officer's key is one of ``gwanje officer``: no browser signs with it
    sealed = scene.web.get(f"{path}?as={centre.second.id}").text
    assert "유효한 서명 키가 아닙니다" in sealed
    assert "id='key'" not in sealed
    auditor = Officer(uuid7(), "auditor", uuid7(), keys=scene.vault.state.officers[
        centre.approver.id, "manager"].keys)  # fmt: skip
    with scene.vault.change() as draft:
        draft.officers[auditor.id, "auditor"] = auditor
    assert "서명할 역할이 아니거나" in scene.web.get(f"{path}?as={auditor.id}").text
    assert scene.web.post(f"{path}/options", {"person": str(auditor.id)}).json["error"] == "consent_role"


def test_a_signature_for_another_page_or_frame_is_none(scene):
    path, asker = waiting(scene), scene.centre.requester.id
    key = scene.keys[asker]
    for fault in ({"origin": "http://localhost:1"}, {"crossOrigin": True}, {"flags": 1}):
        options = scene.web.post(f"{path}/options", {"person": str(asker)}).json["options"]
        tried = scene.web.post(f"{path}/finish", {"person": str(asker), "credential": key.get(options, **fault)})
        assert (tried.status, tried.json["error"]) == (409, "consent_signature")
        # which check it was is not a stranger's to know
        assert set(tried.json) == {"ok", "error", "ko", "en"}
    assert scene.consents.consents(bytes.fromhex(path[6:])) == []


def test_an_urgent_act_takes_a_spoken_code_after_the_asker_has_signed(scene):
    path, centre = waiting(scene, urgent=True), scene.centre
    with scene.vault.change() as draft:
        (digits,) = codes.make(draft, centre.approver.id, 1, scene.vault.clock.now_s())
    page = scene.web.get(f"{path}?as={centre.requester.id}").text
    assert f"<option value='{centre.approver.id}'>관리책임자</option>" in page
    # nobody but who asks types a code in
    assert "id='spoken'" not in scene.web.get(f"{path}?as={centre.approver.id}").text
    body = {"person": str(centre.requester.id), "caller": str(centre.approver.id), "code": digits}
    assert scene.web.post(f"{path}/code", body).json["error"] == "signature_missing"
    assert sign(scene, path, centre.requester.id).json["done"] is False
    assert scene.web.post(f"{path}/code", {**body, "code": "1234567"}).json["error"] == "code_wrong"
    assert scene.web.post(f"{path}/code", body).json["done"] is True
    assert [a["method"] for a in scene.consents.consents(bytes.fromhex(path[6:]))] == ["webauthn", "spoken"]


def test_codes_stand_on_the_page_once(scene):
    centre = scene.centre
    with scene.vault.change() as draft:
        entry = draft.officers[centre.approver.id, "manager"]
        draft.officers[centre.approver.id, "manager"] = Officer(
            **{**{n: getattr(entry, n) for n in entry.__dataclass_fields__}, "delegation": "전결 규정 제7조"}
        )
    body = {"decision": hashlib.sha256(b"codes").digest(), "person": centre.approver.id.bytes, "count": 3}
    path = f"/sign/{scene.consents.pend('codes', body).hex()}"
    made = sign(scene, path, centre.approver.id).json["codes"]
    assert all(re.fullmatch(r"\d{4} \d{4}", code) for code in made)
    assert len(set(made)) == 3
    assert scene.web.get(path).status == 404
    assert len(scene.vault.state.codes) == 3


def test_a_key_is_made_on_the_page_and_its_fingerprint_read_aloud(scene):
    officer = scene.centre.second
    ticket = scene.pages.tickets.make(officer.id, officer.role, "파란 키").hex()
    page = scene.web.get(f"/register/{ticket}")
    assert page.status == 200
    assert "파란 키" in page.text
    assert "총괄책임자" in page.text
    key = SecurityKey(scene.web.origin)
    options = scene.web.post(f"/register/{ticket}/options", {}).json["options"]
    assert options["authenticatorSelection"]["userVerification"] == "required"
    done = scene.web.post(f"/register/{ticket}/finish", {"credential": key.create(options)})
    assert done.json["fingerprint"].replace(" ", "") == attest.key_id(key.cose).hex()
    assert done.json["fingerprint"] in scene.web.get(f"/register/{ticket}").text
    # nobody makes a second one by the same ticket
    assert scene.web.post(f"/register/{ticket}/options", {}).json["error"] == "ticket_gone"
    assert scene.pages.tickets.fields(bytes.fromhex(ticket))["cose"] == key.cose


def test_a_change_of_the_registry_is_read_and_signed_here(scene):
    centre, console = scene.centre, Console(scene.vault, scene.consents)
    console.tickets = scene.pages.tickets
    # the third officer's key goes: two others sign, each on the page
    sealed = scene.keys[centre.second.id]
    fields = {"person": centre.second.id.bytes, "role": centre.second.role, "key": sealed.id}
    id_ = console.run("pend", {"act": "key_retire", "fields": fields})["id"]
    page = scene.web.get(f"/sign/{id_.hex()}?as={centre.approver.id}").text
    for text in ("담당공무원 명부 변경에 서명", "key_retire", str(centre.second.id), "관리책임자"):
        assert text in page
    assert sign(scene, f"/sign/{id_.hex()}", centre.approver.id).json["ok"]
    with pytest.raises(VaultError, match="1 of 2"):
        console.run("apply", {"id": id_})


# --- what is turned away ------------------------------------------------------------------------------------------


def test_another_host_or_another_sites_page_is_turned_away(scene):
    path, port = waiting(scene), scene.pages.port
    for host in ("evil.example", f"127.0.0.1:{port}", "localhost", f"localhost:{port}.", None):
        assert scene.web.get(path, Host=host).status == 421
    body = {"person": str(scene.centre.requester.id)}
    for origin in ("http://evil.example", f"http://localhost:{scene.centre.home.port}", "null", None):
        reply = scene.web.post(f"{path}/options", body, Origin=origin)
        assert (reply.status, reply.body) == (403, b"")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8", None):
        assert scene.web.post(f"{path}/options", body, Content_Type=kind).status == 415
    assert scene.web.post(f"{path}/options", body).status == 200


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /sign/x HTTP/1.0\r\nHost: {h}\r\n\r\n", 400),
        (b"PUT /sign/x HTTP/1.1\r\nHost: {h}\r\n\r\n", 400),
        (b"GET http://localhost/ HTTP/1.1\r\nHost: {h}\r\n\r\n", 400),
        (b"GET /%2e%2e/x HTTP/1.1\r\nHost: {h}\r\n\r\n", 400),
        (b"GET /  HTTP/1.1\r\nHost: {h}\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: {h}\n\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: {h}\r\nHost: {h}\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : {h}\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: {h}\r\n X: folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: {h}\r\nX: a\x00b\r\n\r\n", 400),
        (b"POST /sign/x HTTP/1.1\r\nHost: {h}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /sign/x HTTP/1.1\r\nHost: {h}\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
        (b"POST /sign/x HTTP/1.1\r\nHost: {h}\r\nContent-Length: +1\r\n\r\na", 400),
        (b"POST /sign/x HTTP/1.1\r\nHost: {h}\r\nContent-Length: 70000\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\nHost: {h}\r\nContent-Length: 1\r\n\r\na", 400),
        (b"GET / HTTP/1.1\r\nHost: {h}\r\nExpect: 100-continue\r\n\r\n", 400),
        (b"GET /?a=1&a=2 HTTP/1.1\r\nHost: {h}\r\n\r\n", 400),
        (b"GET /?a=%ff HTTP/1.1\r\nHost: {h}\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 65 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 20_000 + b"\r\n\r\n", 431),
    ],
)
def test_what_another_reader_might_read_otherwise_is_no_request(scene, raw, status):
    host = f"localhost:{scene.pages.port}".encode()
    assert read(talk(scene.pages.port, raw.replace(b"{h}", host))).status == status


def test_one_request_a_connection(scene):
    host = f"localhost:{scene.pages.port}"
    one = f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    assert talk(scene.pages.port, one + one).count(b"HTTP/1.1 ") == 1


def test_bodies_that_are_no_request_of_ours_say_so(scene):
    path = waiting(scene)
    for body in (b"", b"{", b"[]", b'{"person": 7}', b'{"person": "x"}', b"[" * 60_000):
        reply = scene.web.ask("POST", f"{path}/options", body)
        assert reply.status in (400, 409)
        assert reply.json["error"] == "request"
    assert scene.web.post(f"{path}/finish", {"person": str(scene.centre.requester.id)}).json["ok"] is False


def test_silent_and_too_many_callers_keep_nobody_out(scene, monkeypatch):
    monkeypatch.setattr(http, "HEAD_S", 0.3)
    port = scene.pages.port
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(30)]
    try:
        for one in silent:
            one.settimeout(30)
            # over the limit: closed at once; below it: closed when its time to speak is over
            assert one.recv(1) == b""
        assert scene.web.get(waiting(scene)).status == 200
    finally:
        for one in silent:
            one.close()


def test_a_flood_is_answered_slowly_and_ends(scene, monkeypatch):
    monkeypatch.setattr("gwanje.vault.pages.server.BURST", 3)
    monkeypatch.setattr("gwanje.vault.pages.server.RATE", 0.001)
    seen = [scene.web.get("/").status for _ in range(6)]
    assert seen == [404] * 3 + [429] * 3


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_make_the_reader_fail_otherwise_than_said(raw):
    for bytes_ in (raw, b"POST /sign/x?" + raw, b"POST / HTTP/1.1\r\n" + raw):
        with suppress(http.BadRequest):
            request, length = http.head(bytes_ + b"\r\n\r\n")
            assert request.path.startswith("/")
            assert 0 <= length <= http.BODY_MAX


# --- where it listens, where it leads -----------------------------------------------------------------------------


def at(tmp_path, **settings) -> Home:
    return Home.create(tmp_path / "c", **settings)


def test_it_listens_on_loopback_and_elsewhere_only_with_tls(tmp_path, monkeypatch):
    monkeypatch.delenv("GWANJE_PORT", raising=False)
    assert place(at(tmp_path / "a")) == ("127.0.0.1", 8803, None)
    with pytest.raises(ValueError, match="인증서"):
        place(at(tmp_path / "b", sign_listen={"host": "10.0.0.1", "port": 8443}))
    for wrong in ({"host": "sign.gaon.example"}, {"port": "8443"}, {"port": 70_000}, [], {"host": None}):
        with pytest.raises(ValueError, match="sign_listen"):
            place(at(tmp_path / str(wrong).replace("/", ""), sign_listen=wrong))
    with pytest.raises(OSError, match=r"[Nn]o such file"):
        place(at(tmp_path / "d", sign_listen={"host": "10.0.0.1", "certificate": "x.pem", "key": "y.pem"}))


def test_a_wrong_place_keeps_the_pages_shut_and_nothing_else(centre, vault, tmp_path, caplog):
    centre.home.config["sign_url"] = "http://sign.gaon.example"
    pages = Pages(centre.home, None, None, script=script(tmp_path))
    with serving(pages) as port:
        assert port == 0
    assert "서명 화면을 열 수 없습니다" in caplog.text
    unbuilt = Pages(centre.home, None, None, script=tmp_path / "none.js")
    with serving(unbuilt) as port:
        assert port == 0
    assert "./dev setup" in caplog.text


@pytest.mark.parametrize("taken", ["127.0.0.1", "::1"])
def test_no_address_of_localhost_is_left_to_another_user(centre, vault, tmp_path, caplog, taken):
    """Without TLS the origin is a name and a port: who holds half of it could show officers other words."""
    family = socket.AF_INET6 if ":" in taken else socket.AF_INET
    try:
        other = socket.create_server((taken, 0), family=family)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback: nobody can take it")
    with other:
        port = other.getsockname()[1]
        centre.home.config["sign_listen"] = {"port": port}
        with serving(Pages(centre.home, None, None, script=script(tmp_path))) as open_at:
            assert open_at == 0
        assert "서명 화면을 열 수 없습니다" in caplog.text
    with serving(Pages(centre.home, None, None, script=script(tmp_path))) as open_at:
        assert open_at == port
        with socket.create_connection((taken, port), timeout=30):
            pass


@pytest.mark.parametrize(
    ("back", "leads"),
    [
        ("http://localhost:8800/playback/", True), ("http://localhost:8800", False), ("http://evil.example/", False),
        ("http://localhost:8800@evil.example/", False), ("javascript:alert(1)//http://localhost:8800/", False),
        ("//localhost:8800/", False), ("http://localhost:8800\\@evil/", False), ("http://[", False), ("", False),
        ("http://localhost:8800/\u202e", False), ("http://localhost:88001/", False),
    ],
)  # fmt: skip
def test_the_way_back_leads_to_the_centre_or_nowhere(back, leads):
    assert words.leads_home(back, ("http://localhost:8800",)) is leads


def test_a_name_cannot_hide_or_turn_letters():
    assert words.clean("서울\u202e영동\u200b") == "서울\ufffd영동\ufffd"
    assert VaultError("consent_key").code == "consent_key"
