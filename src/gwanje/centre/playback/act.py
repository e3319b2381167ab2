"""What officers sign of a request (서명할 내용): the body that vaultd makes again of the Permit, byte for byte."""

from __future__ import annotations

import hashlib

from gwanje.centre.playback.models import Request
from gwanje.kernel.canonical import decode, encode

KIND = "open"
VIEWING = ("playback.default_deny", "playback.approval")


def made_of(request: Request) -> bytes:
    """Canonical body, fixed when the request is asked: no later version of this file changes it."""
    agreed = decode(bytes(request.decision_body))
    body = {
        "decision": bytes(request.decision),
        "norms": list(dict.fromkeys([*agreed["norms"], *VIEWING])),
        "cameras": [[c.camera.bytes, c.slot, c.stream] for c in request.cameras.all()],
        "first": request.first,
        "until": request.until,
        "person": request.requester_id.bytes,
        "action": "view",
        "ground": request.ground,
        "case": request.case,
        "hold": request.hold.bytes if request.hold else None,
    }
    return encode(body)


def of(request: Request) -> bytes:
    """The canonical body of a request; one that was asked before signatures existed has it made now."""
    return bytes(request.act) or made_of(request)


def digest(request: Request) -> bytes:
    """SHA-256 of the body, by which vaultd knows the act."""
    return hashlib.sha256(of(request)).digest()
