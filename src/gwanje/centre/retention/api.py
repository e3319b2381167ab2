"""What other rooms may ask retention (보관 조회): the classes, when an hour dies, which class a camera may have."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from gwanje.centre.common import clock
from gwanje.centre.common.refusal import Problem
from gwanje.centre.retention import countersign, rules_class
from gwanje.centre.retention.models import RetentionClass
from gwanje.centre.retention.operator import centre
from gwanje.centre.retention.services import set_class
from gwanje.kernel.actor import Actor
from gwanje.law import Decision, InForce
from gwanje.vault.core import death_s
from gwanje.vault.records import RetentionClass as VaultClass

__all__ = ["centre", "classes", "dies_at", "judge_class", "live_only", "set_class", "uncountersigned"]


def uncountersigned(actor: Actor) -> tuple[int, int]:
    """(certificates that wait for this officer's countersignature, how many of all are overdue)."""
    found = len(countersign.open_for(actor))
    return found, len(countersign.overdue(clock().now())) if found else 0


def classes() -> list[RetentionClass]:
    """Every registered class, by number."""
    return list(RetentionClass.objects.order_by("number")[:1000])


def dies_at(class_: RetentionClass, epoch: int) -> datetime | None:
    """When the key of an hour dies: hour start + retention, the same sum as vaultd's; None = never."""
    kept = VaultClass(class_.number, class_.kind, class_.value, class_.reference)
    seconds = death_s(kept, epoch, clock().zone)
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def live_only(number: int) -> bool:
    """Whether a class is not kept (미보유): its cameras are seen live and never recorded."""
    return RetentionClass.objects.filter(pk=number, kind=rules_class.NONE).exists()


def judge_class(
    number: int, department: str, purposes: Sequence[str], today: InForce, *, recording: bool, group: str = ""
) -> list[Decision]:
    """What the day's law says of a camera in this class (기기별 보관기간); empty where no rule in force speaks of it.

    ``purposes``: national words; ``recording``: whether a recorder would keep its pictures. Problem where the law has a
    table of departments and the class does not exist.
    """
    row = RetentionClass.objects.filter(pk=number).first()
    if row is None:
        if not today.has(rules_class.BY_CLASS):
            return []
        raise Problem(
            "class_unknown",
            f"보관 구분 {number}번이 없습니다.",
            f"There is no class {number}.",
            rule="; ".join(str(a) for a in today.articles(rules_class.BY_CLASS)),
            next_="보관·파기 화면에서 부서의 보관기간에 맞는 보관 구분을 먼저 등록하십시오.",
            next_en="Register the class of the department's period first.",
        )
    facts = {
        "department": department,
        "purposes": list(purposes),
        "group": group,
        "kind": row.kind,
        "value": row.value,
        "statute": row.reference,
        "recording": recording,
    }
    return rules_class.in_force(facts, today)
