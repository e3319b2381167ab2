"""Permit, tokens and signatures: one form, no widening, no mixing of types."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gwanje.kernel import cose
from gwanje.kernel.canonical import decode, encode
from gwanje.kernel.permit import Approval, BadPermit, Lens, LiveToken, Permit, ViewerToken

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = cose.public_bytes(KEY)
DIGEST = bytes(32)
PERSON, OTHER = UUID(int=1), UUID(int=2)
PERMIT = Permit(
    id=UUID(int=10),
    centre=UUID(int=11),
    decision=DIGEST,
    norms=("playback.default_deny",),
    cameras=(Lens(UUID(int=12), 7),),
    first=1_795_000_000,
    until=1_795_000_060,
    person=PERSON,
    station="열람실 1",
    action="view",
    ground="수사",
    case="○○경찰서 형사과-1234",
    approvals=(Approval(PERSON, "operator", DIGEST, 1), Approval(OTHER, "chief_officer", DIGEST, 2)),
    issued_us=1_795_000_100_000_000,
    expires=1_795_000_700,
    nonce=bytes(16),
)


def test_round_trip_and_pinned_bytes() -> None:
    message = PERMIT.sign(KEY)
    assert Permit.open(message, PUBLIC) == PERMIT
    # the form is final from its first version: a change of these bytes is a new version, not an edit
    assert hashlib.sha256(encode(PERMIT.body())).hexdigest() == (
        "96a3bf0d992457f3e20743ffbd238ed3174e28fd6e608b36e3c541356d76d3a0"
    )
    assert hashlib.sha256(message).hexdigest() == "f301beb7647ee4c1c807134ea37f42f04e32749a48e04b58bba80ff30c034974"
    assert set(decode(encode(PERMIT.body()))) == set(PERMIT.body())


@settings(max_examples=200)
@given(st.data())
def test_any_changed_byte_is_refused(data: st.DataObject) -> None:
    message = bytearray(PERMIT.sign(KEY))
    at = data.draw(st.integers(0, len(message) - 1))
    message[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises((cose.BadSignature, BadPermit)):
        Permit.open(bytes(message), PUBLIC)


def test_another_key_or_another_type_is_refused() -> None:
    stranger = Ed25519PrivateKey.generate()
    with pytest.raises(cose.BadSignature):
        Permit.open(PERMIT.sign(stranger), PUBLIC)
    live = LiveToken(UUID(int=12), 1, PERSON, "관제석 1", 5).sign(KEY)
    viewer = ViewerToken(PERSON, "관제석 1", 5).sign(KEY)
    for opener, message in [(Permit.open, live), (LiveToken.open, viewer), (ViewerToken.open, PERMIT.sign(KEY))]:
        with pytest.raises((cose.BadSignature, BadPermit)):
            opener(message, PUBLIC)
    assert LiveToken.open(live, PUBLIC).camera == UUID(int=12)
    assert ViewerToken.open(viewer, PUBLIC).station == "관제석 1"


@pytest.mark.parametrize(
    "change",
    [
        {"cameras": ()},
        {"cameras": (Lens(UUID(int=12), 1 << 20),)},
        {"cameras": (Lens(UUID(int=12), 7), Lens(UUID(int=13), 7))},
        {"until": PERMIT.first},
        {"until": PERMIT.first + 86_401},
        {"action": "copy"},
        {"ground": ""},
        {"case": ""},
        {"station": ""},
        {"nonce": b"short"},
        {"approvals": ()},
        {"approvals": (replace(PERMIT.approvals[0], decision=b"\1" * 32),)},
        {"expires": PERMIT.issued_us // 1_000_000 + 1801},
        {"expires": PERMIT.issued_us // 1_000_000},
    ],
)
def test_limits(change: dict[str, object]) -> None:
    with pytest.raises(BadPermit):
        replace(PERMIT, **change).sign(KEY)  # type: ignore[arg-type]


def test_unknown_or_missing_fields_are_refused() -> None:
    for body in ({**PERMIT.body(), "extra": 1}, {k: v for k, v in PERMIT.body().items() if k != "hold"}, {"v": 1}):
        with pytest.raises(BadPermit):
            Permit.of(body)
