"""What other rooms may ask retention (보관 조회): the classes, and when an hour of a class dies."""

from __future__ import annotations

from datetime import UTC, datetime

from gwanje.centre.common import clock
from gwanje.centre.retention import countersign
from gwanje.centre.retention.models import RetentionClass
from gwanje.centre.retention.operator import centre
from gwanje.centre.retention.services import set_class
from gwanje.kernel.actor import Actor
from gwanje.vault.core import death_s
from gwanje.vault.records import RetentionClass as VaultClass

__all__ = ["centre", "classes", "dies_at", "set_class", "uncountersigned"]


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
