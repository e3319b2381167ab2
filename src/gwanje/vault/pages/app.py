"""vaultd's own pages (서명 화면): which address shows what, and what a signature sent there does.

Nothing here decides: ``Consents`` and the ceremony do. An address that is not known, one that has ended and one that
is malformed get the same bytes.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import logging
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from gwanje.kernel.home import Home
from gwanje.kernel.hosts import page_origins
from gwanje.vault import attest, codes
from gwanje.vault.approvals import KINDS, Act, entries, keys_of, powers
from gwanje.vault.consent import Consents, Shown
from gwanje.vault.errors import TEXT, VaultError
from gwanje.vault.officer_keys import Tickets
from gwanje.vault.pages import html, http, words
from gwanje.vault.pages.server import Listener

HERE: Final = Path(__file__).parent
JSON: Final = "application/json"
_PLACE: Final = re.compile(r"/(sign|register)/([0-9a-f]{32})(?:/(state|options|finish|code))?")
_NAME: Final = re.compile(r"[0-9a-f-]{32,36}")
CALLERS_MAX: Final = 20
GONE: Final = frozenset(("consent_gone", "ticket_gone"))
log = logging.getLogger(__name__)


def headers(script: str) -> tuple[tuple[str, str], ...]:
    """Header fields of every answer; ``script``: the one script's ``sha256-…``."""
    policy = (
        f"default-src 'none'; script-src '{script}'; style-src 'self'; connect-src 'self'; form-action 'none'; "
        "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
    return (
        ("Content-Security-Policy", policy),
        ("Cache-Control", "no-store"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Permissions-Policy", "publickey-credentials-get=(self), publickey-credentials-create=(self)"),
    )


class Pages:
    """The pages of one vault; ``step`` once a second opens the listener, ``close`` ends it."""

    def __init__(self, home: Home, consents: Consents, tickets: Tickets, *, script: Path | None = None) -> None:
        """``script``: the built script, read once and served from memory; without it there are no pages."""
        self.home, self.consents, self.tickets = home, consents, tickets
        # threads of their own: whoever floods the pages must not stand in front of the recorders' keys
        self._threads = ThreadPoolExecutor(2, "pages")
        self._served: dict[str, tuple[bytes, str]] = {}
        self._files: html.Files | None = None
        self._listener: Listener | None = None
        with contextlib.suppress(FileNotFoundError):
            made = self._file((script or HERE / "static/sign.js").read_bytes(), "js", "text/javascript; charset=utf-8")
            style = self._file((HERE / "sign.css").read_bytes(), "css", "text/css; charset=utf-8")
            self._files = html.Files(made, style)
            self._listener = Listener(home, self.answer, headers(made[1]))
        if self._files is None:
            log.error("서명 화면이 없습니다: ./dev setup / there are no signing pages: the script is not built")

    def _file(self, content: bytes, ending: str, kind: str) -> tuple[str, str]:
        digest = hashlib.sha256(content).digest()
        path = f"/page/{digest.hex()}.{ending}"
        self._served[path] = (content, kind)
        return path, f"sha256-{base64.b64encode(digest).decode()}"

    @property
    def port(self) -> int:
        """The port in use, 0 while closed."""
        return self._listener.port if self._listener else 0

    async def step(self) -> None:
        """Open the listener if it is not open."""
        if self._listener is not None:
            await self._listener.step()

    async def close(self) -> None:
        """No new requests; those that run end."""
        if self._listener is not None:
            await self._listener.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    # --- requests -------------------------------------------------------------------------------------------------

    async def answer(self, request: http.Request) -> http.Answer:
        """The answer to a request that the listener has checked."""
        if request.method == "GET" and request.path in self._served:
            content, kind = self._served[request.path]
            return http.Answer(200, content, kind)
        found = _PLACE.fullmatch(request.path)
        if found is None:
            return self._nothing()
        what, id_, step = found[1], bytes.fromhex(found[2]), found[3] or ""
        acts: Mapping[tuple[str, str, str], Callable[[bytes, http.Request], http.Answer]] = {
            ("GET", "sign", ""): self._page,
            ("GET", "sign", "state"): self._state,
            ("POST", "sign", "options"): self._options,
            ("POST", "sign", "finish"): self._finish,
            ("POST", "sign", "code"): self._code,
            ("GET", "register", ""): self._ticket,
            ("POST", "register", "options"): self._create,
            ("POST", "register", "finish"): self._created,
        }
        act = acts.get((request.method, what, step))
        if act is None:
            return self._nothing()
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, act, id_, request)
        except VaultError as error:
            if error.code in GONE:
                return self._nothing() if request.method == "GET" else said(404, error)
            return said(409, error)
        except (KeyError, TypeError, ValueError, AttributeError):
            return said(400, VaultError("request"))
        except OSError as error:
            log.error("a page's request failed: %s", error)
            return said(500, VaultError("internal"))

    def _nothing(self) -> http.Answer:
        assert self._files is not None
        return http.Answer(404, html.nothing(self._files))

    # --- signing --------------------------------------------------------------------------------------------------

    def _page(self, id_: bytes, request: http.Request) -> http.Answer:
        shown = self.consents.shown(id_)
        assert self._files is not None
        person = _uuid(request.query.get("as", ""))
        return http.Answer(200, html.signing(self._files, self._signing(id_, shown, person)))

    def _signing(self, id_: bytes, shown: Shown, person: UUID | None) -> html.Signing:
        ends = self.consents.vault.clock.now_s() + shown.left_s
        return html.Signing(
            id=id_.hex(),
            kind=shown.kind,
            rows=words.rows(shown),
            more=words.more(shown),
            lenses=words.lenses(shown),
            done=[self._done(shown, given) for given in shown.signatures],
            signer=None if person is None else self._signer(shown, person),
            signed=any(given.person == person for given in shown.signatures),
            callers=self._callers(shown) if person is not None and person.bytes == shown.body.get("person") else (),
            back=shown.back if words.leads_home(shown.back, page_origins(self.home)) else "",
            until=self._local(ends)[11:16],
        )

    def _local(self, second: int) -> str:
        at = datetime.fromtimestamp(second, UTC).astimezone(self.consents.vault.clock.zone)
        return at.strftime("%Y-%m-%d %H:%M:%S")

    def _done(self, shown: Shown, given: Any) -> tuple[str, str, str]:
        name = words.name(shown, given.person) or str(given.person)
        office, method = words.ROLES.get(given.role, given.role), words.METHODS.get(given.method, given.method)
        return f"{name} ({office})", method, self._local(given.at_us // 1_000_000)

    def _signer(self, shown: Shown, person: UUID) -> html.Signer | None:
        state, now = self.consents.vault.state, self.consents.vault.clock.now_s()
        mine = list(entries(state, person, now))
        if not mine:
            return None
        offices = [entry.title or words.ROLES.get(entry.role, entry.role) for entry in mine]
        problem = ""
        if not any(key.kind == "webauthn" for key in keys_of(state, person, now)):
            problem = "consent_key"
        if shown.kind in KINDS:
            act = Act(shown.kind, UUID(bytes=shown.body["person"]), shown.body)
            try:
                powers(state, person, act, now)
            except VaultError as error:
                problem = error.code
        return html.Signer(
            str(person),
            ", ".join(dict.fromkeys(offices)),
            words.name(shown, person),
            TEXT[problem] if problem else None,
        )

    def _callers(self, shown: Shown) -> list[html.Signer]:
        """Approvers who have spoken codes left, when this act may be consented to by one."""
        state, now = self.consents.vault.state, self.consents.vault.clock.now_s()
        if not codes.spoken_for(state, shown.kind, shown.body):
            return []
        people = {c.person for c in state.codes if not c.spent and now < c.made + codes.LIFE_S}
        found = []
        for person in sorted(people, key=str):
            signer = self._signer(shown, person)
            signed = any(given.person == person for given in shown.signatures)
            if signer and person.bytes != shown.body["person"] and not signed and not codes.overdue(state, person, now):
                found.append(signer)
        return found[:CALLERS_MAX]

    def _state(self, id_: bytes, request: http.Request) -> http.Answer:
        return _json(200, {"state": "open", "signatures": len(self.consents.shown(id_).signatures)})

    def _options(self, id_: bytes, request: http.Request) -> http.Answer:
        body = _body(request)
        return _json(200, {"ok": True, "options": self.consents.options(id_, UUID(body["person"]))})

    def _finish(self, id_: bytes, request: http.Request) -> http.Answer:
        body = _body(request)
        person = UUID(body["person"])
        self.consents.finish(id_, person, body["credential"])
        shown = self.consents.shown(id_)
        if shown.kind == "codes":
            digits = self.consents.make_codes(id_)
            return _signed(True, codes=[f"{code[:4]} {code[4:]}" for code in digits])
        asked = person.bytes == shown.body.get("person")
        return _signed(not (asked and self._callers(shown) and len(shown.signatures) < 2))

    def _code(self, id_: bytes, request: http.Request) -> http.Answer:
        body = _body(request)
        digits = str(body["code"])
        if not re.fullmatch("[0-9]{8}", digits):
            raise VaultError("code_wrong")
        self.consents.finish_code(id_, UUID(body["caller"]), digits, UUID(body["person"]))
        return _signed(True)

    # --- registering a key ----------------------------------------------------------------------------------------

    def _ticket(self, id_: bytes, request: http.Request) -> http.Answer:
        assert self._files is not None
        ticket = self.tickets.shown(id_)
        role = words.ROLES.get(ticket.role, ticket.role)
        rows = [
            html.Line("담당공무원", "Officer", str(ticket.person)),
            html.Line("역할", "Role", role),
            html.Line("키 이름", "Key", words.clean(ticket.label) or "–"),
        ]
        made = "" if ticket.made is None else _groups(attest.key_id(ticket.made.cose))
        return http.Answer(200, html.registering(self._files, id_.hex(), rows, made))

    def _create(self, id_: bytes, request: http.Request) -> http.Answer:
        return _json(200, {"ok": True, "options": self.tickets.options(id_)})

    def _created(self, id_: bytes, request: http.Request) -> http.Answer:
        fingerprint = self.tickets.finish(id_, _body(request)["credential"])
        return _json(200, {
            "ok": True, "done": True, "fingerprint": _groups(fingerprint),
            "ko": "보안키를 만들었습니다. 아래 지문을 담당공무원 두 사람에게 읽어 주십시오. 두 사람이 등록합니다.",
            "en": "The key is made. Read its fingerprint to the two officers; it counts when they have signed it in.",
        })  # fmt: skip


def _groups(fingerprint: bytes) -> str:
    """A fingerprint as it is read aloud: fours of hex digits."""
    text = fingerprint.hex()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def _uuid(text: str) -> UUID | None:
    return UUID(text) if _NAME.fullmatch(text) and len(text) in (32, 36) else None


def _body(request: http.Request) -> dict[str, Any]:
    try:
        read = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise VaultError("request") from error
    if not isinstance(read, dict):
        raise VaultError("request")
    return read


def _json(status: int, body: Mapping[str, Any]) -> http.Answer:
    return http.Answer(status, json.dumps(body, ensure_ascii=False).encode(), JSON)


def _signed(done: bool, **more: Any) -> http.Answer:
    return _json(200, {"ok": True, "done": done, "ko": "서명하였습니다.", "en": "Signed.", **more})


def said(status: int, error: VaultError) -> http.Answer:
    """A refusal in both languages; what exactly failed is for vaultd's own rows, not for a stranger's browser."""
    ko, en = TEXT.get(error.code, ("거부되었습니다.", "Refused."))
    return _json(status, {"ok": False, "error": error.code, "ko": ko, "en": en})
