"""Break-glass at the recorder: its end is the recorder's own, whatever a web with the right key says later."""

from __future__ import annotations

import json
from uuid import UUID

import pytest
from test_live import CAMERA, PERSON, Desk, desk, drained

from gwanje.kernel import base64url, cose
from gwanje.kernel.permit import LiveToken
from gwanje.media import glass, live
from gwanje.media.glass import Panes

GLASS = UUID(int=77)


def said(made: Desk, seconds: float, ends: float, id_: UUID = GLASS) -> str:
    now = made.clock.now_us() / 1e6
    token = LiveToken(CAMERA, 0, PERSON, "관제석 1", int(now + seconds), id_, int(now + ends))
    return json.dumps({"token": base64url.to_text(token.sign(made.key))})


async def closed(made: Desk, first: str) -> str:
    async with made.tile(first) as tile:
        await drained(tile)
        return str(tile.close_reason)


@pytest.mark.norm("live.glass", "deny")
async def test_the_view_ends_with_the_glass_and_is_not_prolonged() -> None:
    async with desk() as made:
        first, longer = said(made, 2, 2), said(made, 20, 600)
        async with made.tile(first) as tile:
            await tile.recv()
            await drained(tile)
            assert tile.close_code == live.EXPIRED
        # the same glass with a later end, at the same recorder
        assert await closed(made, longer) == "glass moved"
        assert await closed(made, first) == "expired"
        assert await closed(made, said(made, 20, 3600, UUID(int=78))) == "glass too long"


async def test_a_running_view_takes_no_later_end() -> None:
    async with desk() as made, made.tile(said(made, 60, 300)) as tile:
        await tile.recv()
        await tile.send(said(made, 60, 600))
        await drained(tile)
        assert (tile.close_code, tile.close_reason) == (live.REFUSED, "glass moved")


def token(id_: int = 1, until: int = 1000, camera: int = 1) -> LiveToken:
    return LiveToken(UUID(int=camera), 0, PERSON, "관제석 1", until, UUID(int=id_), until)


@pytest.mark.norm("live.glass", "allow")
@pytest.mark.norm("live.glass", "deny")
def test_what_the_recorder_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    panes = Panes()
    assert panes.refusal(LiveToken(CAMERA, 0, PERSON, "관제석 1", 60), 0) == ""
    assert [panes.refusal(token(camera=n), 500) for n in (*range(6), 0)] == ["", "", "", "", "", "glass full", ""]
    assert panes.refusal(token(until=1001), 500) == "glass moved"
    assert panes.refusal(token(until=999), 500) == "glass moved"
    assert panes.refusal(token(), 1000) == "glass over"
    assert panes.refusal(token(2, 500 + glass.GLASS_MAX_S), 500) == ""
    assert panes.refusal(token(3, 501 + glass.GLASS_MAX_S), 500) == "glass too long"
    monkeypatch.setattr(glass, "PANES_MAX", 2)
    assert panes.refusal(token(4, 600), 500) == "glass full"
    # an hour after its end one is forgotten; until then it is not opened again under another end
    later = 1000 + glass.KEPT_S + 1
    assert panes.refusal(token(4, later + 60), later) == ""


def test_a_token_outlives_its_glass_in_no_spelling() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    public = cose.public_bytes(key)
    good = LiveToken(CAMERA, 0, PERSON, "관제석 1", 50, GLASS, 60)
    assert LiveToken.open(good.sign(key), public) == good
    plain = LiveToken(CAMERA, 0, PERSON, "관제석 1", 50)
    assert LiveToken.open(plain.sign(key), public) == plain
    body = cose.open_signed("live", good.sign(key), public)
    for wrong in ({"until": 49}, {"until": "60"}, {"until": -1}, {"glass": b"short"}, {"glass": None}):
        with pytest.raises(cose.BadSignature):
            LiveToken.open(cose.sign("live", {**body, **wrong}, key), public)
    without = {name: value for name, value in body.items() if name != "until"}
    with pytest.raises(cose.BadSignature):
        LiveToken.open(cose.sign("live", without, key), public)
