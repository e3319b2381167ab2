"""Table of duties (할 일·기한 표): one row a duty. Nothing is deleted, and what is closed never changes again."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language

from gwanje.kernel.ids import uuid7

OPEN, DONE, LATE_DONE, VOID = STATES = ("open", "done", "late_done", "void")
IN_TIME = Q(done_on__lte=F("due_on")) & (Q(due_at__isnull=True) | Q(done_at__lte=F("due_at")))


class Duty(models.Model):
    """One duty of an agency (할 일): what, by when, why, whose.

    ``subject_kind``, ``subject``: the row that it is about. ``ends_at``: the last moment in time. ``warned``: days
    before the end of the last warning (1 for a clock in hours), ``escalated``: how many were told that it is late.
    ``facts``, ``rule``, ``judged_on``: what it was counted from, to count it again. ``hand``: may be closed on the
    board; otherwise the room at ``href`` closes it. ``done_*``: who closed it and when, also a void one.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField()
    kind = models.CharField(max_length=60)
    norm = models.CharField(max_length=60)
    subject_kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=200)
    title_ko = models.CharField(max_length=200)
    title_en = models.CharField(max_length=200)
    owner_role = models.CharField(max_length=30)
    person = models.UUIDField(null=True)
    starts_on = models.DateField()
    starts_at = models.DateTimeField(null=True)
    due_on = models.DateField()
    due_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField()
    basis_ko = models.CharField(max_length=800)
    basis_en = models.CharField(max_length=800)
    articles = models.JSONField(default=list)
    packs = models.JSONField(default=list)
    facts = models.JSONField(default=dict)
    rule = models.CharField(max_length=160, blank=True)
    judged_on = models.DateField()
    hand = models.BooleanField(default=True)
    href = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=10, choices=[(s, s) for s in STATES], default=OPEN)
    warned = models.PositiveSmallIntegerField(default=0)
    escalated = models.PositiveSmallIntegerField(default=0)
    recounted = models.PositiveSmallIntegerField(default=0)
    made_at = models.DateTimeField()
    made_by = models.UUIDField(null=True)
    done_at = models.DateTimeField(null=True)
    done_on = models.DateField(null=True)
    done_by = models.UUIDField(null=True)
    done_name = models.CharField(max_length=60, blank=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["ends_at", "id"]
        indexes = [
            models.Index(fields=["agency_id", "state", "ends_at"], name="duty_board"),
            models.Index(fields=["state", "ends_at"], name="duty_pressing"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="duty_once", fields=["agency_id", "kind", "subject_kind", "subject", "starts_on"]
            ),
            models.CheckConstraint(
                name="duty_closed",
                condition=Q(state=OPEN, done_at__isnull=True, done_on__isnull=True)
                | (Q(state__in=STATES) & ~Q(state=OPEN) & Q(done_at__isnull=False, done_on__isnull=False)),
            ),
            # what was done late can never be written down as in time, nor the other way round
            models.CheckConstraint(
                name="duty_late",
                condition=Q(state__in=(OPEN, VOID)) | (Q(state=DONE) & IN_TIME) | (Q(state=LATE_DONE) & ~IN_TIME),
            ),
            models.CheckConstraint(name="duty_void_why", condition=~Q(state=VOID) | ~Q(note="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject} {self.due_on}"

    @property
    def title(self) -> str:
        """In the page's language."""
        return str(self.title_en if get_language() == "en" else self.title_ko)

    @property
    def basis(self) -> str:
        """How it was counted, in the page's language."""
        return str(self.basis_en if get_language() == "en" else self.basis_ko)

    @property
    def was_late(self) -> bool:
        """Closed after its end, whatever it was closed as."""
        return self.done_at is not None and self.done_at > self.ends_at
