"""Table of mandates (권한의 수임 표): what another agency handed over, on which paper, for what, when, until when."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from gwanje.kernel.ids import uuid7


class Mandate(models.Model):
    """A mandate from the police, a school or another agency (권한의 수임·협의). Nothing is deleted; an end is a date.

    ``purposes``: shared words agreed to; ``hours``: ``{"days": [0-6], "spans": [["07:00", "19:00"]]}``, empty = always;
    ``ends_on`` None = until it is ended.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    owner_id = models.UUIDField()
    document = models.CharField(max_length=200)
    purposes = models.JSONField(default=list)
    hours = models.JSONField(default=dict)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    ended_reference = models.CharField(max_length=200, blank=True)
    recorded_by = models.UUIDField(null=True)
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["-starts_on", "-recorded_at"]
        constraints = [
            models.CheckConstraint(
                # what was ended with a document may have ended before its first day
                name="mandate_range",
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")) | ~Q(ended_reference=""),
            )
        ]
