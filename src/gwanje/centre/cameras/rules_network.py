"""Rules of a camera's network (전송망 규칙): dedicated or with a reason, and over a public one never in plain. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gwanje.law import Decision, InForce, NotInForce, Reason, enforces

REGISTER = "cameras.camera.register"
PUBLIC = "public"
ENCRYPTED = frozenset({"rtsps", "https", "rtmps"})


@enforces("network.encrypted")
def encrypted(facts: Mapping[str, Any], law: InForce) -> Decision:
    """Over a public network (공중망) pictures and commands travel encrypted.

    Facts: ``active``, ``network`` (dedicated or public), ``vpn`` (its record, or empty), ``schemes`` of every address
    of the camera: streams and steering.
    """
    reasons = []
    plain = sorted(set(facts["schemes"]) - ENCRYPTED)
    if facts["active"] and facts["network"] == PUBLIC and plain and not str(facts["vpn"]).strip():
        reasons.append(
            Reason(
                "plain_over_public",
                f"공중망을 쓰는 기기의 주소가 암호화되지 않습니다: {', '.join(plain)}.",
                f"The camera is on a public network and an address of it is not encrypted: {', '.join(plain)}.",
                "rtsps://·https:// 주소를 쓰거나, 카메라와 센터 사이의 VPN을 적으십시오.",
                "Use rtsps:// or https:// addresses, or record the VPN between camera and centre.",
            )
        )
    return law.judge(REGISTER, "network.encrypted", reasons=reasons, facts=facts)


@enforces("network.dedicated")
def dedicated(facts: Mapping[str, Any], law: InForce) -> Decision:
    """A dedicated network (전용망), or the reason why not. Facts: ``active``, ``network``, ``reason`` (text)."""
    reasons = []
    if facts["active"] and facts["network"] == PUBLIC and not str(facts["reason"]).strip():
        reasons.append(
            Reason(
                "public_unreasoned",
                "공중망을 쓰는 사유가 없습니다.",
                "No reason is stated for using a public network.",
                "전용망을 쓸 수 없는 현장 여건을 적으십시오.",
                "State why a dedicated network cannot be used there.",
            )
        )
    return law.judge(REGISTER, "network.dedicated", reasons=reasons, facts=facts)


def in_force(facts: Mapping[str, Any], law: InForce) -> list[Decision]:
    """What the packs in force say of this camera's network; nothing where no article names it."""
    found = []
    for norm, rule in (("network.encrypted", encrypted), ("network.dedicated", dedicated)):
        try:
            law.articles(norm)
        except NotInForce:
            continue
        found.append(rule(facts, law))
    return found
