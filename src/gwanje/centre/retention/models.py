"""Tables of retention (보관·파기 표): hours whose key died, and certificates. Nothing here is deleted."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from gwanje.kernel.ids import uuid7

SEEN, SURVEYED, ERASED, CERTIFIED, EMPTY = "seen", "surveyed", "erased", "certified", "empty"
HOUR, PUNCTURE, HOLD = CAUSES = ("hour", "puncture", "hold")
STATES = (SEEN, SURVEYED, ERASED, CERTIFIED, EMPTY)


class RetentionClass(models.Model):
    """A retention class (보관 구분): the kernel's table ``footage_class``; a number has one value for ever."""

    number = models.IntegerField(primary_key=True)
    kind = models.TextField()
    value = models.IntegerField()
    reference = models.TextField()
    label = models.TextField()

    class Meta:
        managed = False
        db_table = "footage_class"
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} {self.label}"


class Certificate(models.Model):
    """A certificate of destruction (영상정보 파기 확인서): canonical bytes and their PDF/A, as issued."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.CharField(max_length=30, unique=True)
    issued_at = models.DateTimeField()
    body = models.BinaryField()
    sha256 = models.CharField(max_length=64)
    readable = models.JSONField()
    pdf = models.BinaryField()
    level = models.CharField(max_length=4)
    hours = models.IntegerField()
    camera_hours = models.IntegerField()
    parts = models.BigIntegerField()
    ledger_row = models.UUIDField()

    class Meta:
        ordering = ["-issued_at", "-number"]

    def __str__(self) -> str:
        return self.number


class Countersignature(models.Model):
    """An officer's agreement to a certificate afterwards (파기 확인자), one a role; ``method`` as in the ledger."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="countersignatures")
    role = models.CharField(max_length=30)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    at = models.DateTimeField()
    method = models.CharField(max_length=20, default="unsigned")
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["at"]
        constraints = [
            models.UniqueConstraint(fields=["certificate", "role"], name="countersignature_once"),
            models.UniqueConstraint(fields=["certificate", "person"], name="countersignature_two_people"),
        ]


class DestroyedHour(models.Model):
    """One class and UTC hour whose root died in vaultd; ``state`` says how far the files have followed.

    ``series`` counts later passes over the same hour (files or index rows that turned up afterwards, holds that
    ended). ``cause``: the hour itself, a ``puncture`` (``reference``: hex of its Decision's digest) or the end of a
    ``hold`` (``reference``: its id). ``held``: [hold, camera, slot, first tick, end] of what holds kept of it.
    ``detail``: camera-hours with slot, camera, seconds, parts and hash root; no sizes, they would tell of motion.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    class_number = models.IntegerField()
    epoch = models.BigIntegerField()
    generation = models.BigIntegerField()
    series = models.IntegerField(default=0)
    cause = models.CharField(max_length=10, choices=[(c, c) for c in CAUSES], default=HOUR)
    reference = models.CharField(max_length=64, blank=True)
    held = models.JSONField(default=list)
    key_died_at = models.DateTimeField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=[(s, s) for s in STATES], default=SEEN)
    segments = models.IntegerField(default=0)
    parts = models.BigIntegerField(default=0)
    bytes = models.BigIntegerField(default=0)
    samples = models.IntegerField(default=0)
    root = models.BinaryField(null=True)
    detail = models.JSONField(default=list)
    exceptions = models.JSONField(default=list)
    erased_at = models.DateTimeField(null=True)
    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, null=True, related_name="destroyed")

    class Meta:
        ordering = ["epoch", "class_number", "series"]
        constraints = [
            models.UniqueConstraint(
                fields=["class_number", "epoch", "generation", "series"], name="retention_hour_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=STATES) & (Q(certificate__isnull=True) | Q(state=CERTIFIED)),
                name="retention_hour_state",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.class_number}/{self.epoch}"

    @property
    def started_at(self) -> datetime:
        """The hour's first moment."""
        return datetime.fromtimestamp(self.epoch * 3600, UTC)
