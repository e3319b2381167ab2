"""Tables of posts (보직·전보·위탁 표): who held which office when, who left, who works for whom; all of it stays."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from gwanje.centre.staff.rules_posts import EVENTS
from gwanje.kernel.actor import ROLES
from gwanje.kernel.ids import uuid7


def _range(name: str, start: str = "starts_on", end: str = "ends_on") -> models.CheckConstraint:
    return models.CheckConstraint(name=name, condition=Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gte": F(start)}))


class Appointment(models.Model):
    """An appointment to an office (보직·임명): ``title`` as the city's pack named it that day, ``post`` as its chart.

    ``starts_on``, ``ends_on``: first and last day; ``reference``: the order's document.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency = models.ForeignKey("staff.Agency", on_delete=models.PROTECT)
    person = models.ForeignKey("staff.Person", on_delete=models.PROTECT, related_name="appointments")
    role = models.CharField(max_length=30, choices=[(r, r) for r in ROLES])
    title = models.CharField(max_length=60)
    post = models.CharField(max_length=60, blank=True)
    department = models.CharField(max_length=100)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    reference = models.CharField(max_length=200)
    ended_reference = models.CharField(max_length=200, blank=True)
    recorded_by = models.ForeignKey("staff.Person", on_delete=models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["-starts_on", "-recorded_at"]
        constraints = [
            models.CheckConstraint(name="appointment_role", condition=Q(role__in=ROLES)),
            _range("appointment_range"),
        ]


class Departure(models.Model):
    """Who left the centre (전보·퇴직·휴직·계약종료): what ended with it, and what vaultd still has to forget.

    ``ended``: kind → how many. ``remainder``: what only officers can end, on vaultd's console (``vault_officer``), or
    what could not be asked (``vault_away``); ``remainder_done_at`` when vaultd no longer knows the person.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency = models.ForeignKey("staff.Agency", on_delete=models.PROTECT)
    person = models.ForeignKey("staff.Person", on_delete=models.PROTECT, related_name="departures")
    event = models.CharField(max_length=10, choices=[(e, e) for e in EVENTS])
    event_on = models.DateField()
    reference = models.CharField(max_length=200)
    ended = models.JSONField(default=dict)
    due_on = models.DateField(null=True)
    basis_ko = models.CharField(max_length=300, blank=True)
    basis_en = models.CharField(max_length=300, blank=True)
    remainder = models.JSONField(default=list)
    remainder_done_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey("staff.Person", on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField()
    returned_at = models.DateTimeField(null=True)
    returned_reference = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-decided_at"]
        constraints = [models.CheckConstraint(name="departure_event", condition=Q(event__in=EVENTS))]


class Contract(models.Model):
    """A contract with a contractor (위탁계약, 영 제26조): what is handed over, on which terms, whom the sign names.

    ``scope``: words of ``contracts.SCOPES``; ``items``: words of ``contracts.ITEMS`` → the contract's text.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency = models.ForeignKey("staff.Agency", on_delete=models.PROTECT)
    company = models.CharField(max_length=100)
    contact = models.CharField(max_length=60)
    scope = models.JSONField(default=list)
    items = models.JSONField(default=dict)
    subcontracting = models.CharField(max_length=200, blank=True)
    reference = models.CharField(max_length=200)
    starts_on = models.DateField()
    ends_on = models.DateField()
    ended_at = models.DateTimeField(null=True)
    ended_reference = models.CharField(max_length=200, blank=True)
    recorded_by = models.ForeignKey("staff.Person", on_delete=models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["-starts_on", "company"]
        constraints = [_range("contract_range")]


class Engagement(models.Model):
    """A contractor's employee who works under a contract (수탁업체 직원 투입); one open row a person."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency = models.ForeignKey("staff.Agency", on_delete=models.PROTECT)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="people")
    person = models.ForeignKey("staff.Person", on_delete=models.PROTECT, related_name="engagements")
    starts_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.UniqueConstraint(name="engagement_one_open", fields=["person"], condition=Q(ended_at__isnull=True))
        ]


class Training(models.Model):
    """A training that a person completed (교육 이수)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency = models.ForeignKey("staff.Agency", on_delete=models.PROTECT)
    person = models.ForeignKey("staff.Person", on_delete=models.PROTECT, related_name="trainings")
    course = models.CharField(max_length=100)
    provider = models.CharField(max_length=100)
    held_on = models.DateField()
    reference = models.CharField(max_length=200, blank=True)
    recorded_by = models.ForeignKey("staff.Person", on_delete=models.PROTECT, null=True, related_name="+")
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["-held_on", "-recorded_at"]
