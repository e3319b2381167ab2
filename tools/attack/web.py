"""`./dev attack web [--parts N] [--json FILE]`: the web's host is the attacker's; three officers have keys.

The attacker runs in user and mount namespaces of its own, where the vault's folder and every other service's key are
empty; it has the web's key, the sockets, and consents that officers once gave for another second of another camera
(rows of the web's database). It asks vaultd for Permits of every recorded second with whatever it can make: no
signature, forged ones, old ones turned to another act, keys of its own, other roles, the officers' console. The
control: the same Permit with the signatures of two officers opens its parts.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gwanje.kernel.cose import public_bytes
from gwanje.kernel.ids import uuid7
from gwanje.kernel.keys import signing_key
from gwanje.kernel.permit import Approval, Lens, ViewerToken
from gwanje.vault import attest, officer_keys
from gwanje.vault.client import ConsoleClient, VaultAway, VaultClient, VaultRefused
from tools.attack.opener import opens_with, parts_of
from tools.attack.stage import HOUR, PASSWORD, Stage, end_cleanly, stage

CAMERAS = 4
CLONE_NEWNS, CLONE_NEWUSER, MS_REC, MS_PRIVATE = 0x20000, 0x10000000, 0x4000, 1 << 18
METHODS = ("unsigned", "key", "webauthn", "spoken", "password")
ROLES = ("recorder", "player", "worker", "checker", "vaultd", "replica")


def signing_on(centre: Stage) -> dict[str, Ed25519PrivateKey]:
    """Three officers register sealed keys at vaultd's console; with the third, signing is on."""
    keys, answer = {}, {}
    two = [(centre.officers[role], PASSWORD) for role in ("manager", "chief_officer")]
    for role, person in centre.officers.items():
        key = keys[role] = Ed25519PrivateKey.generate()
        answer = ConsoleClient(centre.home).ask("key_add", two, **_new_key(key, person.bytes, role))
    if not answer["signing"]:
        raise RuntimeError("signing did not go on with the third key")
    return keys


def _new_key(key: Ed25519PrivateKey, person: bytes, role: str) -> dict[str, Any]:
    cose = attest.ed25519_cose(public_bytes(key))
    proof = key.sign(officer_keys.POSSESSION + person + cose)
    return {"person": person, "role": role, "kind": "key", "cose": cose, "possession": proof}


def consented(centre: Stage, keys: dict[str, Ed25519PrivateKey], body: dict[str, Any]) -> list[Approval]:
    """Two officers read this act and sign it."""
    web, console = VaultClient(centre.home, "web"), ConsoleClient(centre.home)
    try:
        id_ = web.pend("open", body)
        for role in ("operator", "chief_officer"):
            person, key = centre.officers[role].bytes, keys[role]
            challenge = console.ask("challenge", id=id_, person=person)["challenge"]
            name = attest.key_id(attest.ed25519_cose(public_bytes(key)))
            signed = key.sign(attest.KEY_LABEL + challenge)
            console.ask("sign", id=id_, person=person, key=name, signature=signed)
        return web.consents(id_)
    finally:
        web.close()


def act_of(centre: Stage, camera: int, first: int, until: int, decision: bytes) -> dict[str, Any]:
    """What officers are shown of an opening."""
    lens = [centre.cameras[camera].bytes, centre.slots[camera], 0]
    return {
        "decision": decision, "norms": ["playback.default_deny"], "cameras": [lens], "first": first, "until": until,
        "person": centre.officers["operator"].bytes, "action": "view", "ground": "investigation",
        "case": "2026형제1", "hold": None,
    }  # fmt: skip


def mint(web: VaultClient, centre: Stage, body: dict[str, Any], given: list[Approval]) -> bytes:
    """Ask for the Permit of an act."""
    lenses = [Lens(centre.cameras[centre.slots.index(slot)], slot, stream) for _, slot, stream in body["cameras"]]
    return web.mint(
        id=uuid7(), decision=body["decision"], norms=body["norms"], cameras=lenses, first=body["first"],
        until=body["until"], person=centre.officers["operator"], station="1", ground=body["ground"],
        case=body["case"], approvals=given, expires=centre.home.clock.now_s() + 600,
    )  # fmt: skip


def opened(centre: Stage, permits: list[bytes], paths: list[Path]) -> int:
    """How many parts the player opens with these Permits: what a browser at the attacker's hand would be shown."""
    player, found = VaultClient(centre.home, "player"), 0
    try:
        for permit in permits:
            seat = ViewerToken(centre.officers["operator"], "1", centre.home.clock.now_s() + 60)
            with contextlib.suppress(VaultRefused):
                session = player.redeem(permit, seat.sign(signing_key(centre.home, "web")))
                for part in (part for path in paths for part in parts_of(path)):
                    with contextlib.suppress(VaultRefused):
                        class_, epoch, slot, tick = part.key
                        okm = player.open_tick(session.session, class_, slot, epoch, tick, [part.segment])
                        found += opens_with(okm[part.segment], part) is not None
    finally:
        player.close()
    return found


class Attacker:
    """What is tried; every Permit that vaultd gives is kept."""

    def __init__(self, centre: Stage, epoch: int, stolen: list[Approval]) -> None:
        self.centre, self.epoch, self.stolen = centre, epoch, stolen
        self.web = VaultClient(centre.home, "web")
        self.permits: list[bytes] = []
        self.answers: Counter[str] = Counter()

    def run(self) -> None:
        """Everything, for every camera and the whole hour."""
        for camera in range(CAMERAS):
            body = act_of(self.centre, camera, self.epoch * HOUR, (self.epoch + 1) * HOUR, os.urandom(32))
            for given in self.forged(body):
                self.tried(lambda given=given, body=body: self.permits.append(self._mint(body, given)))
        self.roles()
        self.console()

    def _mint(self, body: dict[str, Any], given: list[Approval]) -> bytes:
        return mint(self.web, self.centre, body, given)

    def tried(self, act: Callable[[], Any]) -> None:
        """Count what vaultd said."""
        try:
            act()
            self.answers["granted"] += 1
        except VaultRefused as no:
            self.answers[no.code] += 1
        except (VaultAway, OSError) as no:
            self.answers[type(no).__name__] += 1

    def forged(self, body: dict[str, Any]) -> Iterator[list[Approval]]:
        """Consents that nobody gave to this act."""
        people, now = self.centre.officers, self.centre.home.clock.now_us()
        pairs = [(a, b) for a in people for b in people]
        for method in METHODS:
            for first, second in pairs:
                word = b"" if method == "unsigned" else os.urandom(256)
                yield [Approval(people[r], r, body["decision"], now, method, word) for r in (first, second)]
        yield []
        yield [replace(a, decision=body["decision"]) for a in self.stolen]
        yield self.stolen
        for bit in range(0, len(self.stolen[1].signature) * 8, 37):
            altered = bytearray(self.stolen[1].signature)
            altered[bit // 8] ^= 1 << bit % 8
            second = replace(self.stolen[1], decision=body["decision"], signature=bytes(altered))
            yield [replace(self.stolen[0], decision=body["decision"]), second]
        # the old act's own decision under wider fields
        body["decision"] = self.stolen[0].decision
        yield self.stolen

    def roles(self) -> None:
        """Other services' words with the web's key, and their requests in the web's own name."""
        key = signing_key(self.centre.home, "web")
        for role in ROLES:
            path = self.centre.home.secrets / f"{role}.key"
            with contextlib.suppress(OSError):
                path.write_bytes((self.centre.home.secrets / "web.key").read_bytes())
                path.chmod(0o600)
            self.tried(lambda role=role: VaultClient(self.centre.home, role).status())
        slot = self.centre.slots[0]
        for op in ("lend", "redeem", "resume", "open_ticks", "open_log", "destroy_due", "destroyed_ack", "released"):
            fields = {
                "class": 1, "slot": slot, "epoch": self.epoch, "permit": b"x", "viewer": b"x", "session": b"x" * 32,
                "seconds": [[1, [b"s" * 32]]], "after": 0, "limit": 10, "destroyed": [],
            }  # fmt: skip
            self.tried(lambda op=op, fields=fields: self.web._call({"op": op, **fields}))
        seat = ViewerToken(self.centre.officers["operator"], "1", 1 << 40)
        self.tried(lambda: self.web.redeem(self.stolen[0].signature, seat.sign(key)))

    def console(self) -> None:
        """A key of the attacker's own for each officer, by the console; and consents signed with it."""
        console, own = ConsoleClient(self.centre.home), Ed25519PrivateKey.generate()
        for role, person in self.centre.officers.items():
            fields = _new_key(own, person.bytes, role)
            two = [(other, "guess") for other in self.centre.officers.values()][:2]
            self.tried(lambda fields=fields, two=two: console.ask("key_add", two, **fields))
            with contextlib.suppress(VaultRefused):
                id_ = console.ask("pend", act="key_add", fields=fields)["id"]
                self.tried(lambda id_=id_: console.ask("apply", id=id_))
            body = act_of(self.centre, 0, self.epoch * HOUR, (self.epoch + 1) * HOUR, os.urandom(32))
            id_ = self.web.pend("open", body)
            self.tried(lambda id_=id_, person=person: self._sign(console, id_, person.bytes, own))
            self.tried(lambda id_=id_, body=body: self.permits.append(self._mint(body, self.web.consents(id_))))

    @staticmethod
    def _sign(console: ConsoleClient, id_: bytes, person: bytes, own: Ed25519PrivateKey) -> None:
        challenge = console.ask("challenge", id=id_, person=person)["challenge"]
        name = attest.key_id(attest.ed25519_cose(public_bytes(own)))
        console.ask("sign", id=id_, person=person, key=name, signature=own.sign(attest.KEY_LABEL + challenge))


def enclosed(centre: Stage) -> str:
    """Become the web's host: namespaces in which the vault and the other services' keys are empty; why not, or ''."""
    libc = ctypes.CDLL(None, use_errno=True)
    web = (centre.home.secrets / "web.key").read_bytes()
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS):
        return os.strerror(ctypes.get_errno())
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
    if libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None):
        return os.strerror(ctypes.get_errno())
    for place in (centre.home.vault, centre.home.secrets):
        if libc.mount(b"tmpfs", os.fsencode(place), b"tmpfs", 0, b"mode=0700"):
            return os.strerror(ctypes.get_errno())
    (centre.home.secrets / "web.key").write_bytes(web)
    (centre.home.secrets / "web.key").chmod(0o600)
    return ""


def attack(centre: Stage, epoch: int, stolen: list[Approval], out: Path) -> dict[str, Any]:
    """The attacker's process; what it has made lies in ``out``."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            why = enclosed(centre)
            mem = Path(f"/proc/{centre.vaultd.pid if centre.vaultd else 0}/mem")
            with contextlib.suppress(OSError), mem.open("rb") as handle:
                why = why or f"vaultd's memory can be opened: {handle.name}"
            attacker = Attacker(centre, epoch, stolen)
            attacker.run()
            said = {"namespaces": not why, "why": why, "answers": attacker.answers,
                    "permits": [p.hex() for p in attacker.permits]}  # fmt: skip
            out.write_text(json.dumps(said))
            code = 0
        finally:
            os._exit(code)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise RuntimeError("the attacker's process failed")
    found: dict[str, Any] = json.loads(out.read_text())
    return found


def run(folder: Path, wanted: int) -> dict[str, Any]:
    """The whole attack in an empty folder; its figures."""
    began = time.perf_counter()
    with stage(folder / "centre", CAMERAS) as centre:
        centre.to((centre.home.clock.now_s() // HOUR + 1) * HOUR + 5)
        epoch = centre.home.clock.now_s() // HOUR
        paths = centre.record(-(-wanted // CAMERAS))
        centre.to((epoch + 1) * HOUR + 5)
        keys = signing_on(centre)
        first = min(part.key[3] for part in parts_of(paths[0])) + epoch * HOUR
        old = consented(centre, keys, act_of(centre, 0, first, first + 1, b"o" * 32))
        said = attack(centre, epoch, old, folder / "attacker.json")
        taken = opened(centre, [bytes.fromhex(p) for p in said.pop("permits")], paths)
        true = act_of(centre, 0, first, first + 20, b"t" * 32)
        web = VaultClient(centre.home, "web")
        permit = mint(web, centre, true, consented(centre, keys, true))
        web.close()
        control = opened(centre, [permit], paths[:1])
    parts = sum(1 for path in paths for _ in parts_of(path))
    tries = sum(said["answers"].values())
    return {
        "parts": parts, "tries": tries, **said, "opened": taken, "control_opened": control,
        "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip


def held_true(f: dict[str, Any]) -> bool:
    """Nothing was granted and nothing opened; two officers' signatures open their twenty seconds."""
    return f["opened"] == 0 and not f["answers"].get("granted") and f["control_opened"] == 20 and f["tries"] > 100


def _of(separate: bool) -> Callable[[Path, int], tuple[dict[str, Any], bool]]:
    if not separate:
        return lambda folder, parts: _judged(run(folder, parts), held_true)
    # it uses what stands here
    from tools.attack import users

    return lambda folder, parts: _judged(users.run(folder, parts), users.held_true)


def _judged(figures: dict[str, Any], well: Callable[[dict[str, Any]], bool]) -> tuple[dict[str, Any], bool]:
    return figures, well(figures)


def main(arguments: list[str] | None = None) -> int:
    """Run, print; 1 when vaultd granted anything or the control failed."""
    parser = argparse.ArgumentParser(prog="./dev attack web")
    parser.add_argument("--parts", type=int, default=10_000)
    parser.add_argument("--users", action="store_true", help="a user for each process; the database's is taken, too")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    end_cleanly()
    with tempfile.TemporaryDirectory(prefix="gwanje-web-") as folder:
        figures, well = _of(given.users)(Path(folder), given.parts)
    text = json.dumps(figures, ensure_ascii=False, indent=1) + "\n"
    sys.stdout.write(text)
    if given.json:
        given.json.write_text(text, encoding="utf-8")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
