"""``gwanje check --signatures``: cameras' own signatures in what is stored, reckoned from digests that vaultd tells."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import evidence_rig as rig
import pytest
from evidence_conftest import Scene
from test_evidence_signed import RATE, SECONDS, by_camera

from gwanje.media.check import Check
from gwanje.media.signed.stored import Watch
from gwanje.media.sim.signing import Identity, Options
from gwanje.vault import camera_keys, nals
from gwanje.vault.client import VaultClient
from gwanje.vault.segment import SegmentReader

BEGAN_S = rig.FIRST_S + 900


@pytest.mark.parametrize("algorithm", ["sha256", "sha384"])
def test_a_check_reckons_signatures_without_seeing_a_picture(scene: Scene, algorithm: str) -> None:
    who, began = Identity.new("stored"), BEGAN_S + (60 if algorithm == "sha384" else 0)
    scene.made.set_time(began - 5)
    street = by_camera(scene.street, who, began, Options(algorithm=algorithm))
    changed = [*street.samples]
    data = bytearray(changed[3 * RATE + 7][0])
    data[-9] ^= 1
    changed[3 * RATE + 7] = (bytes(data), changed[3 * RATE + 7][1])
    path = rig.seal(scene.made, replace(street, samples=changed), began, SECONDS)
    key = camera_keys.read(who.certificate)
    watch = Watch({scene.made.slot: [key]})
    found = Check(scene.made.home.store, 3, began + 60)
    with contextlib.closing(VaultClient(scene.made.home, "checker")) as client, SegmentReader(path) as reader:
        found._watch = watch
        found._ask_file(client, reader, None)
        seconds, said = watch.end()
        video = next(part for part in reader.parts if part.header.kind == 1)
        init = reader.read(reader.parts[0])
        _, codec, rows, messages = client.verify_signed(reader.header.pack(), init, reader.read(video))
        # without being asked it tells nothing of them
        assert client.verify(reader.header.pack(), init, reader.read(video)).authentic
    assert found.report.verified == 2 * SECONDS
    assert found.report.clean
    assert codec == nals.H264
    assert len(rows) == 37 * (RATE + len(messages))
    if algorithm == "sha256":
        # the newest message lies in the last second's key frame
        assert seconds == {"broken": 0.5, "open": 1.0, "valid": 6.5}
        assert len(said) == 1
        assert "changed" in said[0]
    else:
        # vaultd tells SHA-256 only: nothing is called valid, nothing broken
        assert set(seconds) == {"open"}
        assert said == []
