"""Tables of staff (generated, then given its dependency)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import gwanje.kernel.ids


class Migration(migrations.Migration):
    """Schema step."""

    initial = True

    dependencies = [("web", "0001_kernel")]

    operations = [
        migrations.CreateModel(
            name="Agency",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=100, unique=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("city", "city"),
                            ("police", "police"),
                            ("fire", "fire"),
                            ("agency", "agency"),
                            ("contractor", "contractor"),
                        ],
                        max_length=20,
                    ),
                ),
                ("active", models.BooleanField(default=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Person",
            fields=[
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("account", models.CharField(max_length=40, unique=True)),
                ("name", models.CharField(max_length=60)),
                ("contractor", models.BooleanField(default=False)),
                ("active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField()),
                (
                    "agency",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="people", to="staff.agency"
                    ),
                ),
                (
                    "seconded_from",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="seconded",
                        to="staff.agency",
                    ),
                ),
            ],
            options={
                "ordering": ["name", "account"],
            },
        ),
        migrations.CreateModel(
            name="LoginTry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("account", models.CharField(max_length=40)),
                ("address", models.CharField(max_length=64)),
                ("failures", models.PositiveIntegerField(default=0)),
                ("first_at", models.DateTimeField()),
                ("locked_until", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("account", "address"), name="logintry_once")],
            },
        ),
        migrations.CreateModel(
            name="Station",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("code", models.CharField(max_length=40, unique=True)),
                ("place", models.CharField(max_length=100)),
                ("playback", models.BooleanField(default=False)),
                ("active", models.BooleanField(default=True)),
                ("agency", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="staff.agency")),
            ],
            options={
                "ordering": ["code"],
            },
        ),
        migrations.CreateModel(
            name="Delegation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("matter", models.CharField(max_length=60)),
                ("principal_title", models.CharField(max_length=60)),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("chief_officer", "chief_officer"),
                            ("manager", "manager"),
                            ("operator", "operator"),
                            ("seconded_police", "seconded_police"),
                            ("privacy_officer", "privacy_officer"),
                            ("auditor", "auditor"),
                            ("maintenance", "maintenance"),
                            ("administrator", "administrator"),
                        ],
                        max_length=30,
                    ),
                ),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField(blank=True, null=True)),
                ("reference", models.CharField(max_length=200)),
                ("agency", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="staff.agency")),
            ],
            options={
                "ordering": ["matter", "-starts_on"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "role__in",
                                (
                                    "chief_officer",
                                    "manager",
                                    "operator",
                                    "seconded_police",
                                    "privacy_officer",
                                    "auditor",
                                    "maintenance",
                                    "administrator",
                                ),
                            )
                        ),
                        name="delegation_role",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="RoleGrant",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("chief_officer", "chief_officer"),
                            ("manager", "manager"),
                            ("operator", "operator"),
                            ("seconded_police", "seconded_police"),
                            ("privacy_officer", "privacy_officer"),
                            ("auditor", "auditor"),
                            ("maintenance", "maintenance"),
                            ("administrator", "administrator"),
                        ],
                        max_length=30,
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                ("ground", models.CharField(max_length=300)),
                ("revoked_ground", models.CharField(default="", max_length=300)),
                ("agency", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="staff.agency")),
                (
                    "granted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="granted",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="grants", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "revoked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="revoked",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-starts_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "role__in",
                                (
                                    "chief_officer",
                                    "manager",
                                    "operator",
                                    "seconded_police",
                                    "privacy_officer",
                                    "auditor",
                                    "maintenance",
                                    "administrator",
                                ),
                            )
                        ),
                        name="rolegrant_role",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_at__isnull", True), ("ends_at__gte", models.F("starts_at")), _connector="OR"
                        ),
                        name="rolegrant_range",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Shift",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("agency", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="staff.agency")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="shifts", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("station", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="staff.station")),
            ],
            options={
                "ordering": ["-started_at"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)), fields=("person",), name="shift_one_open"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ended_at__isnull", True), ("ended_at__gte", models.F("started_at")), _connector="OR"
                        ),
                        name="shift_range",
                    ),
                ],
            },
        ),
    ]
