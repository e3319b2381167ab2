"""A bundle is made from sealed parts, opened by ordinary tools, and told the truth about by the verifier alone."""

from __future__ import annotations

import io
import os
import pty
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import av
import evidence_rig as rig
import pytest
from evidence_conftest import Scene

import gwanje_verify
from gwanje.kernel import cose, refusals
from gwanje.media.play.releasing import Lock
from gwanje.vault.bundle import age
from gwanje.vault.errors import VaultError
from gwanje_verify import formats
from gwanje_verify import verify as outside

SECRET = ("passphrase", rig.PASSPHRASE.encode())


def steps(report: outside.Report) -> list[tuple[str, str]]:
    return [(step, state) for step, state, _, _ in report.lines]


def opened(bundle: Path, name: str, secret: tuple[str, bytes] = SECRET) -> bytes:
    with zipfile.ZipFile(bundle) as box:
        return b"".join(formats.unlock(memoryview(box.read(name)), secret))


def test_every_step_of_a_whole_bundle_is_proved(scene: Scene) -> None:
    report = outside.verify(scene.bundle, key=scene.key, secret=SECRET)
    proved = [(step, "proved") for step in outside.Bundle.STEPS if step not in ("witness", "camera")]
    assert [line for line in steps(report) if line[0] != "witness"] == proved, report.lines
    assert report.code == 0
    # without the secret, and without a key from elsewhere, it says so and claims less
    locked = outside.verify(scene.bundle)
    assert locked.code == 3
    assert [line for line in steps(locked) if line[1] == "open"] == [("signature", "open"), ("unlock", "open")]


def test_the_clip_is_the_street_that_was_sealed_and_nothing_more(scene: Scene) -> None:
    assert scene.told == [(scene.first, scene.first + 10)]
    with zipfile.ZipFile(scene.bundle) as box:
        assert box.testzip() is None
        assert {info.compress_type for info in box.infolist()} == {zipfile.ZIP_STORED}
        names = box.namelist()
    assert names[0] == "README.txt"
    assert [name for name in names if name.startswith("clip")] == ["clip-1.mp4.age"]
    film = opened(scene.bundle, "clip-1.mp4.age")
    with av.open(io.BytesIO(film)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        times = [frame.time for frame in container.decode(video=0)]
    assert len(times) == 10 * 15
    assert times[0] == 0
    assert 9.8 < times[-1] < 10.1


def test_no_proof_passes_two_kilobytes_and_no_person_stands_in_the_open(scene: Scene) -> None:
    with zipfile.ZipFile(scene.bundle) as box:
        data = box.read("proofs.bin")
        open_text = b"".join(box.read(name) for name in box.namelist() if not name.endswith(".age"))
    at, sizes = 8, []
    while at < len(data):
        sizes.append(int.from_bytes(data[at + 64 : at + 66], "big"))
        at += 66 + sizes[-1]
    assert len(sizes) == scene.manifest["parts"] == 20
    assert 0 < max(sizes) <= 2048
    for person in (scene.made.requester, scene.made.approver):
        assert person.bytes not in open_text
        assert str(person).encode() not in open_text
    assert "시험-1".encode() not in open_text
    assert "시험-1".encode() in opened(scene.bundle, "sealed.age")


def test_the_verifier_in_the_bundle_is_one_file_that_runs_alone(scene: Scene, tmp_path: Path) -> None:
    alone = tmp_path / "verify.py"
    alone.write_bytes(gwanje_verify.single())
    assert b"gwanje_verify" not in alone.read_bytes()
    words = [sys.executable, "-I", str(alone), str(scene.bundle), "--key", scene.key.hex(), "--passphrase"]
    said = rig.PASSPHRASE.lower().replace("-", " ") + "\n"
    done = subprocess.run(words, cwd=tmp_path, input=said, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[이상]" not in done.stdout
    other = subprocess.run(
        [*words[:-1], "--json"], cwd=tmp_path, input="", capture_output=True, text=True, timeout=60, check=False
    )
    assert other.returncode == 3
    assert '"code": 3' in other.stdout


def test_a_wrong_key_or_passphrase_is_said(scene: Scene) -> None:
    stranger = outside.verify(scene.bundle, key=bytes(32), secret=SECRET)
    assert stranger.code == 1
    assert steps(stranger)[-1] == ("signature", "wrong")
    wrong = outside.verify(scene.bundle, key=scene.key, secret=("passphrase", b"another"))
    assert steps(wrong)[-1] == ("unlock", "wrong")
    assert wrong.code == 1


def test_a_viewing_permit_makes_no_bundle_and_leaves_no_file(scene: Scene, tmp_path: Path) -> None:
    with pytest.raises(VaultError) as refused:
        rig.bundle(scene.made, tmp_path / "no.zip", scene.first, scene.first + 2, action="view")
    assert refused.value.code == "bundle_action"
    assert list(tmp_path.iterdir()) == []


def test_without_a_ledger_the_bundle_says_what_is_not_proved(scene: Scene, tmp_path: Path) -> None:
    out = tmp_path / "bare.zip"
    body = rig.bundle(scene.made, out, scene.first + 8, scene.first + 20, ledger=None)
    # twelve seconds were sealed from one second before ``first``: nine of these do not exist
    assert body["missing"] == [[scene.first + 11, scene.first + 20]]
    report = outside.verify(out, key=scene.key, secret=SECRET)
    assert report.code == 3
    # that nothing was recorded in the missing seconds is not proved either, and is not claimed
    assert {step for step, state, _, _ in report.lines if state == "open"} == {"checkpoint", "proofs", "parts"}


def test_damage_is_left_out_and_said_and_another_track_is_refused(scene: Scene, tmp_path: Path) -> None:
    out = tmp_path / "damaged.zip"
    rig.bundle(scene.made, out, rig.ODD_S, rig.ODD_S + 3)
    report = outside.verify(out, key=scene.key, secret=SECRET)
    said = [en for step, state, _, en in report.lines if (step, state) == ("parts", "open")]
    assert said == ["1 parts in between are not enclosed"]
    with pytest.raises(VaultError) as refused:
        rig.bundle(scene.made, tmp_path / "audio.zip", rig.ODD_S + 2, rig.ODD_S + 6)
    assert refused.value.code == "bundle_track"
    assert [path.name for path in tmp_path.iterdir()] == ["damaged.zip"]


def test_vaultd_signs_nothing_outside_the_permit(scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from gwanje.media.play import releasing

    plain = releasing.Release._manifest
    changes = {
        "bundle_scope": {"first": scene.first - 1},
        "bundle_checkpoint": {"checkpoint_key": bytes(32)},
        "bundle_field": {"about": bytes(32)},
    }
    for number, (code, change) in enumerate(changes.items()):
        monkeypatch.setattr(releasing.Release, "_manifest", lambda *given, c=change: {**plain(*given), **c})
        with pytest.raises(VaultError) as refused:
            rig.bundle(scene.made, tmp_path / f"{number}.zip", scene.first, scene.first + 1)
        assert refused.value.code == code
    monkeypatch.undo()
    ledger = scene.log.ledger()
    forged = releasing.Ledger(ledger.note.replace(f"\n{ledger.size}\n", "\n3\n"), 3, ledger.root, ledger.prove)
    with pytest.raises(VaultError) as refused:
        rig.bundle(scene.made, tmp_path / "forged.zip", scene.first, scene.first + 1, ledger=forged)
    assert refused.value.code == "bundle_checkpoint"
    assert list(tmp_path.iterdir()) == []


def test_the_signature_is_a_fact_that_stands_in_the_spool(scene: Scene) -> None:
    raw = (scene.made.home.spool / "refusals" / "vaultd.jsonl").read_bytes()
    signed = next(f.entry.body() for f in refusals._facts(raw, "vaultd") if f.entry.kind == "vault.bundle.signed")
    assert (signed["outcome"], signed["dies"], signed["first"]) == ("granted", "disclosure", scene.first)
    assert signed["decision"] == scene.manifest["decision"]
    spool = raw.decode()
    rows = [line for line in spool.splitlines() if '"vault.bundle.signed"' in line]
    assert rows
    assert scene.manifest["id"].hex() in rows[0].replace("-", "")
    with zipfile.ZipFile(scene.bundle) as box:
        assert cose.open_signed("bundle", box.read("manifest.cose"), scene.key) == scene.manifest


@pytest.mark.skipif(shutil.which("age") is None, reason="Debian package age is missing (apt-get install age)")
def test_age_itself_opens_what_was_locked(scene: Scene, tmp_path: Path) -> None:
    made = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True)
    (tmp_path / "key").write_text(made.stdout)
    public = next(line.split()[-1] for line in made.stdout.splitlines() if "public key" in line)
    out = tmp_path / "to-a-key.zip"
    rig.bundle(scene.made, out, scene.first, scene.first + 2, lock=Lock((age.recipient(public),)))
    with zipfile.ZipFile(out) as box:
        (tmp_path / "clip.age").write_bytes(box.read("clip-1.mp4.age"))
    words = ["age", "-d", "-i", str(tmp_path / "key"), str(tmp_path / "clip.age")]
    theirs = subprocess.run(words, capture_output=True, check=True).stdout
    identity = ("identity", formats.read_identity(made.stdout))
    assert theirs == opened(out, "clip-1.mp4.age", identity)
    assert outside.verify(out, key=scene.key, secret=identity).code == 3
    # the passphrase, typed at its own terminal
    with zipfile.ZipFile(scene.bundle) as box:
        (tmp_path / "words.age").write_bytes(box.read("clip-1.mp4.age"))
    child, terminal = pty.fork()
    if child == 0:
        os.execvp("age", ["age", "-d", "-o", str(tmp_path / "words.mp4"), str(tmp_path / "words.age")])
    os.read(terminal, 1024)
    os.write(terminal, rig.PASSPHRASE.encode() + b"\n")
    assert os.waitpid(child, 0)[1] == 0
    assert (tmp_path / "words.mp4").read_bytes() == opened(scene.bundle, "clip-1.mp4.age")


def test_recipients_are_checked_to_the_last_letter() -> None:
    good = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
    assert len(age.recipient(good)) == 32
    for bad in (good[:-1] + "q", good.upper(), good[4:], "age1", "", good + "q"):
        with pytest.raises(VaultError) as refused:
            age.recipient(bad)
        assert refused.value.code == "bundle_recipient"
    with pytest.raises(VaultError):
        age.Locked(io.BytesIO())
    with pytest.raises(VaultError):
        age.Locked(io.BytesIO(), recipients=[bytes(32)])


def test_what_no_verifier_opens_becomes_no_bundle(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from gwanje.media.play import releasing

    monkeypatch.setattr(releasing, "AES_256_GCM", 2)
    with pytest.raises(VaultError) as refused:
        rig.bundle(scene.made, tmp_path / "aria.zip", scene.first, scene.first + 1)
    assert refused.value.code == "bundle_cipher"
    assert list(tmp_path.iterdir()) == []
