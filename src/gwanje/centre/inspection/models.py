"""Tables of inspection (점검 표): rows of the journal, tickets to the contractor, closed months. Nothing is deleted."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from gwanje.kernel.ids import uuid7

NO_SIGNAL, BY_HAND = "no signal", "by hand"
KINDS = ("frozen", "black", "white", "blurred", "covered", "moved", "clock", "standard", NO_SIGNAL, BY_HAND)
HAND_KINDS = (BY_HAND,)
STEPS = ("sent_at", "acknowledged_at", "on_site_at", "repaired_at")


class Fault(models.Model):
    """One row of the journal (별지 제1호서식 점검일지). ``source_id``: the recorder's finding or gap row.

    ``name``, ``number``: 명칭 and 관리번호 as they were that day. ``segment``: SHA-256 of the derived segment with the
    sealed thumbnail of ``picture_at``. ``inspected``, ``result``, ``note``: 점검내역, 처리결과, 기타사항.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    camera_id = models.UUIDField()
    source_id = models.UUIDField(null=True, unique=True)
    name = models.CharField(max_length=200)
    number = models.CharField(max_length=40)
    kind = models.CharField(max_length=12, choices=[(k, k) for k in KINDS])
    said = models.CharField(max_length=300, blank=True)
    detail = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()
    healed_at = models.DateTimeField(null=True)
    segment = models.CharField(max_length=64, blank=True)
    picture_at = models.DateTimeField(null=True)
    inspected = models.CharField(max_length=500, blank=True)
    result = models.CharField(max_length=500, blank=True)
    note = models.CharField(max_length=500, blank=True)
    handled_at = models.DateTimeField(null=True)
    signed_by = models.UUIDField(null=True)
    signer = models.CharField(max_length=60, blank=True)
    signed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["occurred_at", "id"]
        indexes = [models.Index(fields=["agency_id", "occurred_at"], name="fault_when")]
        constraints = [
            models.CheckConstraint(name="fault_kind", condition=Q(kind__in=KINDS)),
            models.CheckConstraint(
                name="fault_signed", condition=Q(signed_at__isnull=True) | (~Q(inspected="") & ~Q(result=""))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind}"


class Ticket(models.Model):
    """A fault handed to the maintenance contractor (유지관리 의뢰): each step has its time."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    fault = models.OneToOneField(Fault, on_delete=models.PROTECT, related_name="ticket")
    contractor_id = models.UUIDField(db_index=True)
    contractor = models.CharField(max_length=60)
    asked = models.CharField(max_length=500, blank=True)
    report = models.CharField(max_length=500, blank=True)
    sent_by = models.UUIDField()
    sent_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    on_site_at = models.DateTimeField(null=True)
    repaired_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-sent_at"]
        constraints = [
            models.CheckConstraint(
                name="ticket_order",
                condition=(Q(on_site_at__isnull=True) | Q(acknowledged_at__isnull=False))
                & (Q(repaired_at__isnull=True) | Q(on_site_at__isnull=False)),
            )
        ]

    def __str__(self) -> str:
        return f"{self.fault} → {self.contractor}"


class Month(models.Model):
    """A month's self-inspection, closed (월 자체 점검): who, when, how many cameras, and what was found."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    year = models.PositiveSmallIntegerField()
    month = models.PositiveSmallIntegerField()
    cameras = models.PositiveIntegerField()
    faults = models.PositiveIntegerField()
    summary = models.CharField(max_length=500)
    closed_by = models.UUIDField()
    closer = models.CharField(max_length=60)
    closed_at = models.DateTimeField()

    class Meta:
        ordering = ["-closed_at"]

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02}"
