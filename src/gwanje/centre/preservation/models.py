"""Tables of preservation (보존·삭제 표): mirrors of what vaultd holds, who asked, who agreed. Nothing is deleted."""

from __future__ import annotations

from datetime import UTC, datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from gwanje.kernel.ids import uuid7
from gwanje.vault.records import HOLD_KINDS

STANDING, ENDED, DIED = HOLD_STATES = ("standing", "ended", "died")
PROLONG, END = ACTS = ("prolong", "end")
ASKED, AGREED, DECLINED, LAPSED = ACT_STATES = ("asked", "agreed", "declined", "lapsed")
WAITING, DELETED, REFUSED, CANCELLED = DELETION_STATES = ("waiting", "deleted", "refused", "cancelled")


def _choices(words: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(word, word) for word in words]


class Hold(models.Model):
    """A hold (보존) as the centre knows it; the id, the seconds and the end are vaultd's.

    ``requester`` and ``reviewer`` are empty only for a hold that was found in vaultd and adopted. ``warned``: days
    before the end of the last warning, 0 before the first.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    kind = models.CharField(max_length=20, choices=_choices(HOLD_KINDS))
    ground = models.CharField(max_length=60)
    ground_title = models.CharField(max_length=200)
    case = models.CharField(max_length=100)
    reason = models.CharField(max_length=1000)
    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    requester_role = models.CharField(max_length=30, blank=True)
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    station = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=10, choices=_choices(HOLD_STATES), default=STANDING)
    made_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    seconds = models.BigIntegerField()
    bytes = models.BigIntegerField()
    adopted = models.BooleanField(default=False)
    warned = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["ends_at", "id"]
        indexes = [models.Index(fields=["agency_id", "state", "ends_at"], name="preservation_hold_due")]
        constraints = [
            models.CheckConstraint(name="hold_state", condition=Q(state__in=HOLD_STATES)),
            models.CheckConstraint(name="hold_ends", condition=Q(made_at__lt=F("ends_at"))),
            models.CheckConstraint(
                name="hold_known",
                condition=Q(adopted=True) | Q(requester__isnull=False, reviewer__isnull=False),
            ),
        ]


class HoldCamera(models.Model):
    """One camera of a hold and the seconds of one retention class; Unix s, half open; ``seconds`` recorded."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField()
    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, related_name="cameras")
    camera = models.UUIDField()
    label = models.CharField(max_length=300)
    slot = models.PositiveIntegerField()
    class_number = models.PositiveIntegerField()
    first = models.BigIntegerField()
    until = models.BigIntegerField()
    seconds = models.PositiveIntegerField()

    class Meta:
        ordering = ["label", "first"]
        constraints = [models.CheckConstraint(name="holdcamera_range", condition=Q(first__lt=F("until")))]

    @property
    def first_at(self) -> datetime:
        """The first moment."""
        return datetime.fromtimestamp(self.first, UTC)

    @property
    def until_at(self) -> datetime:
        """The moment after the last second."""
        return datetime.fromtimestamp(self.until, UTC)


class HoldAct(models.Model):
    """What one officer asks of a hold and another one decides (연장·종료의 신청과 결정).

    ``decision_body``: canonical bytes of the Decision that both agree to; ``decision``: its SHA-256.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField()
    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, related_name="acts")
    act = models.CharField(max_length=10, choices=_choices(ACTS))
    kind = models.CharField(max_length=20, blank=True)
    ground = models.CharField(max_length=60, blank=True)
    case = models.CharField(max_length=100, blank=True)
    ends_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=1000)
    state = models.CharField(max_length=10, choices=_choices(ACT_STATES), default=ASKED)
    decision = models.BinaryField(max_length=32)
    decision_body = models.BinaryField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_role = models.CharField(max_length=30)
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decided_role = models.CharField(max_length=30, blank=True)
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.CheckConstraint(name="holdact_state", condition=Q(state__in=ACT_STATES) & Q(act__in=ACTS)),
            models.CheckConstraint(
                name="holdact_two",
                condition=~Q(state__in=(AGREED, DECLINED))
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("asked_by"))),
            ),
            models.UniqueConstraint(name="holdact_one_open", fields=["hold"], condition=Q(state=ASKED)),
        ]


class Application(models.Model):
    """A citizen's application to prolong the keeping (보존기간 연장 신청, 별지 제3호서식), entered by staff."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    number = models.CharField(max_length=30)
    received_on = models.DateField()
    subject_name = models.CharField(max_length=100)
    subject_phone = models.CharField(max_length=40)
    subject_birth = models.CharField(max_length=20)
    subject_address = models.CharField(max_length=300)
    agent_name = models.CharField(max_length=100, blank=True)
    agent_phone = models.CharField(max_length=40, blank=True)
    agent_birth = models.CharField(max_length=20, blank=True)
    agent_relation = models.CharField(max_length=60, blank=True)
    agent_address = models.CharField(max_length=300, blank=True)
    place = models.CharField(max_length=300)
    purpose = models.CharField(max_length=1000)
    keep_from = models.DateField()
    keep_until = models.DateField()
    consent = models.BooleanField()
    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, related_name="applications")
    entered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    entered_at = models.DateTimeField()

    class Meta:
        ordering = ["-entered_at"]
        constraints = [
            models.UniqueConstraint(name="application_once", fields=["agency_id", "number"]),
            models.CheckConstraint(name="application_consent", condition=Q(consent=True)),
            models.CheckConstraint(name="application_period", condition=Q(keep_from__lte=F("keep_until"))),
        ]


class Deletion(models.Model):
    """Seconds of one camera that are deleted on request (삭제 청구), Unix s, half open.

    ``kept``: ids of the holds that keep some of them until they end; ``generation``: the keystore's, once done.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    camera = models.UUIDField()
    label = models.CharField(max_length=300)
    slot = models.PositiveIntegerField()
    first = models.BigIntegerField()
    until = models.BigIntegerField()
    case = models.CharField(max_length=100)
    applicant = models.CharField(max_length=100)
    reason = models.CharField(max_length=1000)
    state = models.CharField(max_length=10, choices=_choices(DELETION_STATES), default=WAITING)
    decision = models.BinaryField(max_length=32)
    decision_body = models.BinaryField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_role = models.CharField(max_length=30)
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decided_role = models.CharField(max_length=30, blank=True)
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=500, blank=True)
    seconds = models.PositiveIntegerField()
    generation = models.BigIntegerField(null=True)
    kept = models.JSONField(default=list)

    class Meta:
        ordering = ["-asked_at"]
        constraints = [
            models.CheckConstraint(
                name="deletion_state", condition=Q(state__in=DELETION_STATES) & Q(first__lt=F("until"))
            ),
            models.CheckConstraint(
                name="deletion_two",
                condition=~Q(state__in=(DELETED, REFUSED))
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("asked_by"))),
            ),
        ]

    @property
    def first_at(self) -> datetime:
        """The first moment."""
        return datetime.fromtimestamp(self.first, UTC)

    @property
    def until_at(self) -> datetime:
        """The moment after the last second."""
        return datetime.fromtimestamp(self.until, UTC)


class Consent(models.Model):
    """One officer's signature of one act, as vaultd gave it (본인 서명): of a new hold, a HoldAct or a Deletion.

    ``target``: its id; ``body``: canonical body that was signed, ``digest`` its SHA-256; ``consent``: the Approval's.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField()
    target = models.UUIDField(db_index=True)
    kind = models.CharField(max_length=10)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    body = models.BinaryField()
    digest = models.BinaryField(max_length=32)
    consent = models.BinaryField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["at"]
