"""Tables of publication (공개 표): what officers type, versions of documents, signs. Nothing is deleted."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from gwanje.centre.publication.items import DOCUMENTS, PLACES
from gwanje.kernel.ids import uuid7

DRAFT, ANNOUNCED, WITHDRAWN = STATES = ("draft", "announced", "withdrawn")
SIZES = ("A4", "A3")


def _choices(words: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(word, word) for word in words]


class Department(models.Model):
    """A department's line of the table of operation (부서별 운영현황): what no register knows; the newest counts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    name = models.CharField(max_length=100)
    officer = models.CharField(max_length=100, blank=True)
    operator = models.CharField(max_length=100, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    hours = models.CharField(max_length=200, blank=True)
    place = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    by = models.UUIDField()

    class Meta:
        ordering = ["name", "-at", "-id"]

    def __str__(self) -> str:
        return self.name


class Text(models.Model):
    """An item's text as an officer typed it (항목 본문), in both languages; the newest counts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    document = models.CharField(max_length=12, choices=_choices(DOCUMENTS))
    item = models.CharField(max_length=100)
    ko = models.TextField(blank=True)
    en = models.TextField(blank=True)
    at = models.DateTimeField()
    by = models.UUIDField()

    class Meta:
        ordering = ["document", "item", "-at", "-id"]

    def __str__(self) -> str:
        return f"{self.document} {self.item}"


class Version(models.Model):
    """One version of a policy or a plan (방침·계획의 판): canonical JSON; what was announced never changes.

    ``draft`` → ``announced`` (in force from ``effective_on`` until the next one is) or, before it is in force,
    ``withdrawn``. ``sha256``: of the body's UTF-8 bytes.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    document = models.CharField(max_length=12, choices=_choices(DOCUMENTS))
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=_choices(STATES), default=DRAFT)
    body = models.TextField()
    sha256 = models.CharField(max_length=64)
    reason = models.CharField(max_length=1000, blank=True)
    effective_on = models.DateField()
    drafted_at = models.DateTimeField()
    drafted_by = models.UUIDField()
    announced_on = models.DateField(null=True)
    announced_by = models.UUIDField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.UUIDField(null=True)
    withdrawn_reason = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["document", "-number"]
        constraints = [
            models.UniqueConstraint(name="version_number", fields=["agency_id", "document", "number"]),
            models.UniqueConstraint(
                name="version_one_draft", fields=["agency_id", "document"], condition=Q(state=DRAFT)
            ),
            models.CheckConstraint(name="version_state", condition=Q(state__in=STATES)),
            models.CheckConstraint(
                name="version_announced",
                condition=Q(state=DRAFT) | Q(announced_on__isnull=False, announced_by__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.document} {self.number}"


class Sign(models.Model):
    """A sign (안내판) of one place: what it says, where it stands or why there is none; a new record ends the last.

    ``cameras``: ids of those it speaks for. ``text``: item → words in both languages, ``text_sha256`` of its
    canonical JSON. ``in_view``: does it stand within the range of one of them? ``photo``: JPEG or PNG as given.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    title = models.CharField(max_length=200)
    cameras = models.JSONField(default=list)
    place = models.CharField(max_length=10, choices=_choices(PLACES))
    exemption = models.CharField(max_length=100, blank=True)
    spot = models.CharField(max_length=200, blank=True)
    size = models.CharField(max_length=2, choices=_choices(SIZES), default="A4")
    lat = models.DecimalField(max_digits=11, decimal_places=8)
    lon = models.DecimalField(max_digits=11, decimal_places=8)
    text = models.JSONField(default=dict)
    text_sha256 = models.CharField(max_length=64)
    in_view = models.BooleanField(default=False)
    photo = models.BinaryField(null=True)
    photo_sha256 = models.CharField(max_length=64, blank=True)
    put_up_on = models.DateField()
    at = models.DateTimeField()
    by = models.UUIDField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.UUIDField(null=True)

    class Meta:
        ordering = ["title", "-at"]
        constraints = [
            models.CheckConstraint(name="sign_place", condition=Q(place__in=PLACES)),
            models.CheckConstraint(name="sign_reason", condition=Q(place="site") | ~Q(exemption="")),
        ]

    def __str__(self) -> str:
        return self.title
