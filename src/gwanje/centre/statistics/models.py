"""Tables of statistics (통계 표): what was published of a day; it holds numbers of cameras and nobody's name."""

from __future__ import annotations

from django.db import models

from gwanje.kernel.ids import uuid7


class Published(models.Model):
    """Numbers of one day as everybody may see them (공개 통계): ``body`` by classification, ``sha256`` of its bytes."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    day = models.DateField(unique=True)
    cameras = models.PositiveIntegerField()
    body = models.JSONField()
    sha256 = models.CharField(max_length=64)
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["-day"]
