"""Tables of watching (관제 표): seats, displays, layouts, emergency widenings, break-glass."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Q

from gwanje.kernel.ids import uuid7

GRIDS = (1, 4, 9, 16)
EMERGENCY_MINUTES_MAX = 15
ACCEPTED, MISUSE = VERDICTS = ("accepted", "misuse")

# PostgreSQL puts what is empty last: what waits for its review has to stand above what has been reviewed
WAITING_FIRST = models.F("reviewed_at").desc(nulls_first=True)


class Seat(models.Model):
    """A watching seat (관제석): which installation purposes are watched from a station; empty = all of them.

    ``purposes``: the shared words that packs list. ``station``: code of the registered station.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    station = models.CharField(max_length=40)
    purposes = models.JSONField(default=list)

    class Meta:
        ordering = ["station"]
        constraints = [models.UniqueConstraint(name="seat_once", fields=["agency_id", "station"])]


class Display(models.Model):
    """A screen of a seat (화면), numbered from 1."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    seat = models.ForeignKey(Seat, on_delete=models.CASCADE, related_name="displays")
    number = models.PositiveSmallIntegerField(default=1)

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(name="display_once", fields=["seat", "number"])]


class Layout(models.Model):
    """What a display shows (화면 배치): the grid, the page, and the cameras in order. One row a display."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    display = models.OneToOneField(Display, on_delete=models.CASCADE, related_name="layout")
    grid = models.PositiveSmallIntegerField(default=9)
    cameras = models.JSONField(default=list)
    person_id = models.UUIDField(null=True)
    changed_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="layout_grid", condition=Q(grid__in=GRIDS))]


class Emergency(models.Model):
    """An emergency widening of live watching (긴급 관제): counts down, opens no stored video, is reviewed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    station = models.CharField(max_length=40)
    person_id = models.UUIDField()
    trigger = models.CharField(max_length=40)
    reason = models.CharField(max_length=300)
    situation = models.UUIDField(null=True)
    started_at = models.DateTimeField()
    until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    reviewed_by = models.UUIDField(null=True)
    reviewed_at = models.DateTimeField(null=True)
    review_note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [models.CheckConstraint(name="emergency_range", condition=Q(until__gt=models.F("started_at")))]


class PtzEmergency(models.Model):
    """A camera steered out of its zone (구역 밖 긴급 조작): a named reason, minutes, words that follow, a review.

    ``reason``: key of the preset reasons; ``words`` may be added until the shift's end by who opened it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    camera_id = models.UUIDField(db_index=True)
    station = models.CharField(max_length=40)
    person_id = models.UUIDField()
    reason = models.CharField(max_length=12)
    words = models.CharField(max_length=500, blank=True)
    started_at = models.DateTimeField()
    until = models.DateTimeField()
    extended = models.PositiveSmallIntegerField(default=0)
    ended_at = models.DateTimeField(null=True)
    reviewed_by = models.UUIDField(null=True)
    reviewed_at = models.DateTimeField(null=True)
    review_note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [models.CheckConstraint(name="ptz_range", condition=Q(until__gt=models.F("started_at")))]


class Glass(models.Model):
    """A break-glass (비상 열람): some cameras live for some minutes beyond a person's right, looked at by another.

    ``cameras``: ids as text. A person has one that waits for its review at most; ``escalated_at``: when its review
    became overdue and was alarmed; ``restored_*``: who let the person break the glass again after a misuse.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    station = models.CharField(max_length=40)
    person_id = models.UUIDField(db_index=True)
    ground = models.CharField(max_length=40)
    words = models.CharField(max_length=300)
    cameras = models.JSONField(default=list)
    started_at = models.DateTimeField()
    until = models.DateTimeField()
    review_by = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.UUIDField(null=True)
    reviewed_by = models.UUIDField(null=True)
    reviewed_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=10, blank=True)
    review_note = models.CharField(max_length=300, blank=True)
    escalated_at = models.DateTimeField(null=True)
    restored_by = models.UUIDField(null=True)
    restored_at = models.DateTimeField(null=True)
    restore_note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.CheckConstraint(
                name="glass_range",
                condition=Q(until__gt=models.F("started_at"))
                & Q(until__lte=models.F("started_at") + timedelta(minutes=15)),
            ),
            models.CheckConstraint(name="glass_verdict", condition=Q(verdict__in=("", *VERDICTS))),
            models.CheckConstraint(name="glass_second_person", condition=~Q(reviewed_by=models.F("person_id"))),
            models.UniqueConstraint(
                name="glass_one_waits", fields=["person_id"], condition=Q(reviewed_at__isnull=True)
            ),
        ]
