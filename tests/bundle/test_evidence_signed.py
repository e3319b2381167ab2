"""A camera that signs its video, in an evidence bundle: kept to the byte, judged, and reckoned again by outsiders."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path

import evidence_rig as rig
import pytest
from evidence_conftest import Scene
from play_rig import page

import gwanje_verify
from gwanje.kernel import cose
from gwanje.media.play import releasing
from gwanje.media.play.server import Player
from gwanje.media.sim.signing import Identity, Options, Signer
from gwanje.vault import camera_keys, nals
from gwanje.vault.client import AsyncVaultClient
from gwanje.vault.errors import VaultError
from gwanje_verify import formats
from gwanje_verify import verify as outside

SECRET = ("passphrase", rig.PASSPHRASE.encode())
BEGAN_S, SECONDS, RATE = rig.FIRST_S + 300, 8, 15


def by_camera(street: rig.Street, who: Identity, began_s: int, options: Options) -> rig.Street:
    """A street as a signing camera sends it, message by message."""
    signer, samples = Signer(nals.H264, who, options), []
    for n in range(SECONDS * RATE):
        data, key = street.samples[n % len(street.samples)]
        units = [bytes(nal) for nal in nals.lengths(memoryview(data))]
        signed = signer.unit(units, began_s * 1_000_000 + n * 1_000_000 // RATE)
        samples.append((b"".join(len(nal).to_bytes(4, "big") + nal for nal in signed), key))
    return replace(street, samples=samples)


@dataclass(frozen=True)
class Signed:
    """Eight seconds of a signing camera in the scene's vault."""

    who: Identity
    street: rig.Street
    first: int
    spoilt: int

    @property
    def key(self) -> camera_keys.Key:
        return camera_keys.read(self.who.certificate)

    @property
    def messages(self) -> list[bytes]:
        found = (nal for data, _ in self.street.samples for nal in nals.lengths(memoryview(data)))
        return [bytes(nal) for nal in found if nals.kind_of(nal, 1) == nals.SIGNATURE]


@pytest.fixture(scope="module")
def signed(scene: Scene) -> Signed:
    """Sealed as a recorder does; beside it the same once more with one bit of one picture changed before sealing."""
    who, spoilt = Identity.new("street"), BEGAN_S + 20
    scene.made.set_time(BEGAN_S - 5)
    street = by_camera(scene.street, who, BEGAN_S, Options(late=2))
    rig.seal(scene.made, street, BEGAN_S, SECONDS)
    changed = [*by_camera(scene.street, who, spoilt, Options(late=2)).samples]
    data = bytearray(changed[3 * RATE + 7][0])
    data[-9] ^= 1
    changed[3 * RATE + 7] = (bytes(data), changed[3 * RATE + 7][1])
    rig.seal(scene.made, replace(street, samples=changed), spoilt, SECONDS)
    scene.made.set_time(BEGAN_S + 60)
    return Signed(who, street, BEGAN_S, spoilt)


def states(body: dict, first: int) -> list[tuple[str, int, int, str]]:
    """(state, second, second, why) from the manifest's one clip."""
    (clip,) = body["signed"]["clips"]
    return [(s[0], s[1] // 1_000_000 - first, s[2] // 1_000_000 - first, s[4]) for s in clip["spans"]]


def lines(path: Path, key: bytes) -> list[tuple[str, str]]:
    report = outside.verify(path, key=key, secret=SECRET)
    return [(state, en) for step, state, _, en in report.lines if step == "camera"]


def test_messages_stand_byte_for_byte_in_the_released_clip(scene: Scene, signed: Signed, tmp_path: Path) -> None:
    out = tmp_path / "s.zip"
    rig.bundle(scene.made, out, signed.first, signed.first + SECONDS, signing=(signed.key,))
    with zipfile.ZipFile(out) as box:
        film = b"".join(formats.unlock(memoryview(box.read("clip-1.mp4.age")), SECRET))
        originals = b"".join(formats.unlock(memoryview(box.read("sealed.age")), SECRET))
    assert len(signed.messages) == SECONDS - 1
    assert all(film.count(message) == 1 for message in signed.messages)
    # the originals are the sealed bytes; what they open to is compared with the clip by the verifier's own step
    assert not any(message in originals for message in signed.messages)
    report = outside.verify(out, key=scene.key, secret=SECRET)
    assert ("clips", "proved") in [(step, state) for step, state, _, _ in report.lines]


def test_messages_stand_byte_for_byte_in_what_is_played(scene: Scene, signed: Signed) -> None:
    async def played() -> bytes:
        client = AsyncVaultClient(scene.made.home, "player")
        signed_permit = scene.made.permit(signed.first, signed.first + SECONDS)
        greeting = {"permit": rig.text(signed_permit), "viewer": scene.made.viewer()}
        async with Player(scene.made.home, client, port=0) as player, page(player.port, greeting) as tab:
            await tab.next()
            await tab.say(type="play", speed=4, camera=str(scene.made.camera), at=signed.first)
            await tab.until("end")
        await client.close()
        return b"".join(piece for _, piece in tab.fragments)

    film = asyncio.run(played())
    assert all(film.count(message) == 1 for message in signed.messages)


def test_a_recorded_key_makes_the_clip_valid_and_both_sides_reckon_so(
    scene: Scene, signed: Signed, tmp_path: Path
) -> None:
    out = tmp_path / "s.zip"
    body = rig.bundle(scene.made, out, signed.first, signed.first + SECONDS, signing=(signed.key,))
    # the last group's message comes after the end
    assert states(body, signed.first) == [("valid", 0, 7, ""), ("open", 7, 8, "end")]
    assert body["signed"]["keys"] == [signed.key.der]
    assert body["signed"]["clips"][0]["clock"] in ([-1, -1], [-1, 0], [0, 0])
    said = lines(out, scene.key)
    assert [state for state, _ in said] == ["proved", "note"]
    assert signed.key.id in said[0][1]
    alone = tmp_path / "verify.py"
    alone.write_bytes(gwanje_verify.single())
    words = [sys.executable, "-I", str(alone), str(out), "--key", scene.key.hex(), "--passphrase"]
    done = subprocess.run(
        words, cwd=tmp_path, input=rig.PASSPHRASE + "\n", capture_output=True, text=True, timeout=60, check=False
    )
    assert "카메라 자체 서명 유효" in done.stdout, done.stdout + done.stderr


def test_without_a_recorded_key_or_with_a_changed_picture_nobody_calls_it_valid(
    scene: Scene, signed: Signed, tmp_path: Path
) -> None:
    unknown = rig.bundle(scene.made, tmp_path / "u.zip", signed.first, signed.first + SECONDS)
    assert states(unknown, signed.first)[0] == ("unknown", 0, 7, "key")
    assert [state for state, _ in lines(tmp_path / "u.zip", scene.key)] == ["note", "note"]
    first = signed.spoilt
    broken = rig.bundle(scene.made, tmp_path / "b.zip", first, first + SECONDS, signing=(signed.key,))
    assert states(broken, first) == [
        ("valid", 0, 3, ""), ("broken", 3, 4, "changed"), ("valid", 4, 7, ""), ("open", 7, 8, "end"),
    ]  # fmt: skip
    assert [state for state, _ in lines(tmp_path / "b.zip", scene.key)] == ["proved", "open", "proved", "note"]


def test_a_manifest_that_calls_valid_what_is_not_is_found(
    scene: Scene, signed: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, first = releasing.Release._manifest, signed.spoilt

    def lying(*given: object) -> dict:
        body = plain(*given)  # type: ignore[arg-type]
        spans = body["signed"]["clips"][0]["spans"]
        body["signed"]["clips"][0]["spans"] = [["valid", spans[0][1], spans[-1][2], bytes.fromhex(signed.key.id), ""]]
        return body

    monkeypatch.setattr(releasing.Release, "_manifest", lying)
    out = tmp_path / "lie.zip"
    rig.bundle(scene.made, out, first, first + SECONDS, signing=(signed.key,))
    assert outside.verify(out, key=scene.key, secret=SECRET).code == 1
    assert [state for state, _ in lines(out, scene.key)] == ["wrong"]


def test_unsigned_footage_without_a_key_says_nothing_and_with_one_says_none(scene: Scene, tmp_path: Path) -> None:
    assert "signed" not in scene.manifest
    key = camera_keys.read(Identity.new().certificate)
    body = rig.bundle(scene.made, tmp_path / "n.zip", scene.first, scene.first + 4, signing=(key,))
    assert states(body, scene.first) == [("none", 0, 4, "")]
    assert [state for state, _ in lines(tmp_path / "n.zip", scene.key)] == ["note"]


def test_vaultd_signs_no_other_form_of_it(
    scene: Scene, signed: Signed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = releasing.Release._manifest
    span = ["valid", 1, 2, bytes(32), ""]
    bad = (
        {"keys": []},
        {"keys": [], "clips": []},
        {"keys": ["x"], "clips": [{"clock": None, "spans": []}]},
        {"keys": [], "clips": [{"clock": [1], "spans": []}]},
        {"keys": [], "clips": [{"clock": None, "spans": [["fine", 1, 2, b"", ""]]}]},
        {"keys": [], "clips": [{"clock": None, "spans": [["valid", 1, 2, b"", ""]]}]},
        {"keys": [], "clips": [{"clock": None, "spans": [["valid", 3, 2, bytes(32), ""]]}]},
        {"keys": [], "clips": [{"clock": None, "spans": [span] * 301}]},
    )
    for value in bad:
        monkeypatch.setattr(releasing.Release, "_manifest", lambda *given, v=value: {**plain(*given), "signed": v})
        with pytest.raises(VaultError) as refused:
            rig.bundle(scene.made, tmp_path / "x.zip", scene.first, scene.first + 2)
        assert refused.value.code == "bundle_field"
    assert not (tmp_path / "x.zip").exists()
    assert cose.SIZE_MAX > 301 * 60
