"""Tables of staff (인력·권한 표). Nothing here is deleted: rights end, shifts end, accounts are closed."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q

from gwanje.centre.staff.models_posts import Appointment, Contract, Departure, Engagement, Training
from gwanje.kernel.actor import ROLES
from gwanje.kernel.ids import uuid7

__all__ = [
    "KINDS", "Agency", "Appointment", "Contract", "Delegation", "Departure", "Engagement", "LoginTry", "People",
    "Person", "RoleGrant", "Shift", "Station", "Training",
]  # fmt: skip
KINDS = ("city", "police", "fire", "agency", "contractor")


class Agency(models.Model):
    """An agency (기관): it owns cameras, people and stations; row-level security is by its id."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=20, choices=[(k, k) for k in KINDS])
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class People(BaseUserManager["Person"]):
    """Accounts by their name."""

    def get_by_natural_key(self, username: str | None) -> Person:
        """The account of that name; Person.DoesNotExist."""
        return self.get(account=username)


class Person(AbstractBaseUser):
    """One person, one account (1인 1계정). ``agency``: where the person acts; ``seconded_from``: who sent them."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    account = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="people")
    seconded_from = models.ForeignKey(Agency, on_delete=models.PROTECT, null=True, blank=True, related_name="seconded")
    contractor = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    USERNAME_FIELD = "account"
    REQUIRED_FIELDS = ["name"]
    objects = People()

    class Meta:
        ordering = ["name", "account"]

    def __str__(self) -> str:
        return f"{self.name} ({self.account})"

    @property
    def is_active(self) -> bool:
        """Django's word for ``active``."""
        return self.active


class RoleGrant(models.Model):
    """One role of one person over a time (권한 부여 내역): a revocation sets its end, the row stays for ever."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="grants")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT)
    role = models.CharField(max_length=30, choices=[(r, r) for r in ROLES])
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    ground = models.CharField(max_length=300)
    granted_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="granted")
    revoked_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="revoked")
    revoked_ground = models.CharField(max_length=300, default="")

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            models.CheckConstraint(name="rolegrant_role", condition=Q(role__in=ROLES)),
            models.CheckConstraint(
                name="rolegrant_range", condition=Q(ends_at__isnull=True) | Q(ends_at__gte=models.F("starts_at"))
            ),
        ]


class Station(models.Model):
    """A registered workstation (등록 단말·좌석); stored video is viewed only where ``playback`` says so."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    code = models.CharField(max_length=40, unique=True)
    place = models.CharField(max_length=100)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT)
    playback = models.BooleanField(default=False)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code


class Shift(models.Model):
    """One person's time on duty at a station (근무); at most one is open per person."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="shifts")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT)
    station = models.ForeignKey(Station, on_delete=models.PROTECT)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(name="shift_one_open", fields=["person"], condition=Q(ended_at__isnull=True)),
            models.CheckConstraint(
                name="shift_range", condition=Q(ended_at__isnull=True) | Q(ended_at__gte=models.F("started_at"))
            ),
        ]


class Delegation(models.Model):
    """A dated line of the delegation table (위임전결): who decides what in whose name."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT)
    matter = models.CharField(max_length=60)
    principal_title = models.CharField(max_length=60)
    role = models.CharField(max_length=30, choices=[(r, r) for r in ROLES])
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    reference = models.CharField(max_length=200)

    class Meta:
        ordering = ["matter", "-starts_on"]
        constraints = [models.CheckConstraint(name="delegation_role", condition=Q(role__in=ROLES))]


class LoginTry(models.Model):
    """Failed log-ins of one account name from one address in a row (로그인 실패); rows outlive no success."""

    account = models.CharField(max_length=40)
    address = models.CharField(max_length=64)
    failures = models.PositiveIntegerField(default=0)
    first_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="logintry_once", fields=["account", "address"])]
