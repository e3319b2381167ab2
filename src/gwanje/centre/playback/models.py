"""Tables of playback (열람·재생 표): what was asked, who agreed, which Permits were issued. Nothing is deleted."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from gwanje.kernel.ids import uuid7

ASKED, APPROVED, REFUSED, EXPIRED, VIEWED, CANCELLED = STATES = (
    "asked",
    "approved",
    "refused",
    "expired",
    "viewed",
    "cancelled",
)


class Request(models.Model):
    """One request to open stored video (열람 신청). Seconds are Unix seconds, half open; ``first``..``until`` widened.

    ``decision_body``: canonical bytes of the Decision that requester and approver agree to; ``decision``: its SHA-256.
    ``act``: canonical body that officers sign; ``consent``: the requester's, as vaultd gave it, empty without one.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="playback_requests")
    requester_role = models.CharField(max_length=30)
    station = models.CharField(max_length=40)
    ground = models.CharField(max_length=60)
    ground_title = models.CharField(max_length=200)
    case = models.CharField(max_length=100)
    document = models.CharField(max_length=200, blank=True)
    purpose = models.CharField(max_length=1000)
    asked_first = models.BigIntegerField()
    asked_until = models.BigIntegerField()
    first = models.BigIntegerField()
    until = models.BigIntegerField()
    state = models.CharField(max_length=12, choices=[(s, s) for s in STATES], default=ASKED)
    decision = models.BinaryField(max_length=32)
    decision_body = models.BinaryField()
    act = models.BinaryField(default=b"")
    consent = models.BinaryField(default=b"")
    asked_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    valid_until = models.DateTimeField()
    situation = models.UUIDField(null=True)
    hold = models.UUIDField(null=True)

    class Meta:
        ordering = ["-asked_at"]
        indexes = [models.Index(fields=["agency_id", "state", "-asked_at"])]
        constraints = [
            models.CheckConstraint(name="playback_state", condition=Q(state__in=STATES)),
            models.CheckConstraint(name="playback_range", condition=Q(first__lt=F("until"))),
            models.CheckConstraint(
                name="playback_widened", condition=Q(first__lte=F("asked_first"), until__gte=F("asked_until"))
            ),
        ]


class RequestCamera(models.Model):
    """One camera of a request with what was on the page: seconds recorded, gaps."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField()
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="cameras")
    camera = models.UUIDField()
    label = models.CharField(max_length=300)
    slot = models.PositiveIntegerField()
    stream = models.PositiveSmallIntegerField(default=0)
    seconds = models.PositiveIntegerField()
    gaps = models.PositiveIntegerField()

    class Meta:
        ordering = ["label"]
        constraints = [models.UniqueConstraint(name="requestcamera_once", fields=["request", "camera", "stream"])]


class Approval(models.Model):
    """One officer's yes or no to one Decision (승인·반려)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField()
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="approvals")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="playback_approvals")
    role = models.CharField(max_length=30)
    agreed = models.BooleanField()
    note = models.CharField(max_length=500, blank=True)
    decision = models.BinaryField(max_length=32)
    at = models.DateTimeField()
    at_us = models.BigIntegerField()
    method = models.CharField(max_length=20, default="unsigned")
    consent = models.BinaryField(default=b"")

    class Meta:
        ordering = ["at"]
        constraints = [models.UniqueConstraint(name="approval_once", fields=["request", "person"])]


class Issue(models.Model):
    """One Permit that vaultd signed for a request (열람·재생 허가 발급); the Permit itself is not kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField()
    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="issues")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    station = models.CharField(max_length=40)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["issued_at"]
