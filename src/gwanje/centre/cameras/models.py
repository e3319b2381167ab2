"""Tables of cameras (영상정보처리기기 표). ``agency_id`` is who runs it here, and the fence of row-level security."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from gwanje.centre.cameras.models_mandate import Mandate
from gwanje.kernel.ids import uuid7

__all__ = [
    "ACTIVE", "DEVICES", "INTEGRATED", "LINKED", "MODES", "PLANNED", "REMOVED", "STATES", "SUSPENDED", "Camera",
    "ImportBatch", "InstallationPoint", "Mandate",
]  # fmt: skip

PLANNED, ACTIVE, SUSPENDED, REMOVED = STATES = ("planned", "active", "suspended", "removed")
INTEGRATED, LINKED = MODES = ("integrated", "linked")
DEVICES = ("폐쇄회로 텔레비전", "네트워크 카메라")


class InstallationPoint(models.Model):
    """An installation point (설치지점): one row of the national standard, with N cameras.

    ``lat``/``lon`` are WGS84 degrees; ``identity`` = SHA-256 of the normalised fields and the occurrence number.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    identity = models.CharField(max_length=64)
    position = models.PositiveIntegerField(default=0)
    agency = models.CharField(max_length=300)
    road_address = models.CharField(max_length=300, blank=True)
    lot_address = models.CharField(max_length=300, blank=True)
    purpose = models.CharField(max_length=20)
    cameras = models.PositiveIntegerField()
    pixels = models.PositiveIntegerField(null=True)
    direction = models.CharField(max_length=300, blank=True)
    retention_days = models.PositiveIntegerField(null=True)
    installed = models.CharField(max_length=7, blank=True)
    phone = models.CharField(max_length=30, blank=True)
    lat = models.DecimalField(max_digits=11, decimal_places=8)
    lon = models.DecimalField(max_digits=11, decimal_places=8)
    data_date = models.CharField(max_length=10, blank=True)
    opening_code = models.CharField(max_length=300, blank=True)
    management_no = models.CharField(max_length=300, blank=True)
    update_kind = models.CharField(max_length=300, blank=True)
    update_time = models.CharField(max_length=300, blank=True)
    modified_time = models.CharField(max_length=300, blank=True)
    batch = models.ForeignKey("ImportBatch", on_delete=models.PROTECT, null=True, related_name="points")

    class Meta:
        ordering = ["batch_id", "position"]
        constraints = [models.UniqueConstraint(name="point_once", fields=["agency_id", "identity"])]

    @property
    def address(self) -> str:
        """The road address, else the lot address."""
        return self.road_address or self.lot_address


class ImportBatch(models.Model):
    """One file read (가져오기): previewed first; its rows are written only when somebody confirms.

    ``content`` holds the compressed bytes between preview and confirmation and is empty afterwards.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    person_id = models.UUIDField(null=True)
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    encoding = models.CharField(max_length=12)
    width = models.PositiveIntegerField()
    rows = models.PositiveIntegerField()
    accepted = models.PositiveIntegerField()
    repaired = models.PositiveIntegerField()
    refused = models.PositiveIntegerField()
    known = models.PositiveIntegerField()
    added = models.PositiveIntegerField(null=True)
    counts = models.JSONField(default=dict)
    refusals = models.JSONField(default=list)
    content = models.BinaryField(default=b"")
    created_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]


class Camera(models.Model):
    """A camera (영상정보처리기기). ``agency_id`` runs it, ``owner_id`` owns it; when they differ a mandate is needed.

    ``direction_deg`` clockwise from north, ``angle_deg`` opening of the view cone, ``range_m`` its length;
    ``pixels`` in units of 10,000 (만 화소), None = not stated.
    Addresses hold no password; ``sealed`` maps a recorder's id to what only that recorder can open. ``driver`` and
    ``connection``: how the recorder reaches and steers it (checked by ``connection.py``); ``probed``: what the device
    last said of itself.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency_id = models.UUIDField(db_index=True)
    owner_id = models.UUIDField()
    number = models.CharField(max_length=40)
    place = models.CharField(max_length=200)
    ptz = models.BooleanField(default=False)
    department = models.CharField(max_length=100, blank=True)
    mode = models.CharField(max_length=12, choices=[(m, m) for m in MODES], default=INTEGRATED)
    exemption = models.CharField(max_length=60, blank=True)
    mandate = models.CharField(max_length=200, blank=True)
    mandate_from = models.DateField(null=True)
    mandate_until = models.DateField(null=True)
    mandate_purposes = models.JSONField(default=list)
    mandate_hours = models.JSONField(default=dict)
    mandated = models.ForeignKey("Mandate", on_delete=models.PROTECT, null=True, related_name="cameras")
    purposes = models.JSONField(default=list)
    classes = models.JSONField(default=dict)
    purpose_hours = models.JSONField(default=dict)
    state = models.CharField(max_length=12, choices=[(s, s) for s in STATES], default=PLANNED)
    lat = models.DecimalField(max_digits=11, decimal_places=8)
    lon = models.DecimalField(max_digits=11, decimal_places=8)
    direction_deg = models.PositiveSmallIntegerField(default=0)
    angle_deg = models.PositiveSmallIntegerField(default=60)
    pixels = models.PositiveIntegerField(null=True)
    range_m = models.PositiveSmallIntegerField(default=50)
    retention_class = models.PositiveIntegerField(default=1)
    device = models.CharField(max_length=20, default="네트워크 카메라")
    maker = models.CharField(max_length=60, blank=True)
    model_name = models.CharField(max_length=60, blank=True)
    firmware = models.CharField(max_length=60, blank=True)
    cert_type = models.CharField(max_length=40, blank=True)
    cert_number = models.CharField(max_length=60, blank=True)
    cert_expires = models.DateField(null=True)
    main_url = models.CharField(max_length=300, blank=True)
    sub_url = models.CharField(max_length=300, blank=True)
    sealed = models.JSONField(default=dict)
    driver = models.CharField(max_length=40, default="rtsp")
    connection = models.JSONField(default=dict)
    probed = models.JSONField(default=dict)
    slot = models.PositiveIntegerField(null=True)
    point = models.ForeignKey(InstallationPoint, on_delete=models.PROTECT, null=True, related_name="registered")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(name="camera_number", fields=["agency_id", "number"]),
            models.CheckConstraint(name="camera_state", condition=Q(state__in=STATES)),
            models.CheckConstraint(name="camera_mode", condition=Q(mode__in=MODES)),
            models.CheckConstraint(name="camera_cone", condition=Q(direction_deg__lt=360, angle_deg__lte=360)),
        ]

    @property
    def label(self) -> str:
        """As it stands on every screen: ``A-0123 ○○로 12 앞(회전)``."""
        return f"{self.number} {self.place}({'회전' if self.ptz else '고정'})"
