"""Tables of posts, departures, contracts and trainings; nothing of them is deleted (generated, then fenced)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import gwanje.kernel.ids
from gwanje.kernel.rls import drop, policies

TABLES = ("staff_appointment", "staff_departure", "staff_contract", "staff_engagement", "staff_training")


class Migration(migrations.Migration):
    """Schema step."""

    dependencies = [
        ("staff", "0002_fences"),
    ]

    operations = [
        migrations.CreateModel(
            name="Contract",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("company", models.CharField(max_length=100)),
                ("contact", models.CharField(max_length=60)),
                ("scope", models.JSONField(default=list)),
                ("items", models.JSONField(default=dict)),
                ("subcontracting", models.CharField(blank=True, max_length=200)),
                ("reference", models.CharField(max_length=200)),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_reference", models.CharField(blank=True, max_length=200)),
                ("recorded_at", models.DateTimeField()),
                ("agency", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="staff.agency")),
                (
                    "recorded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-starts_on", "company"],
            },
        ),
        migrations.CreateModel(
            name="Departure",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "event",
                    models.CharField(
                        choices=[("전보", "전보"), ("퇴직", "퇴직"), ("휴직", "휴직"), ("계약종료", "계약종료")],
                        max_length=10,
                    ),
                ),
                ("event_on", models.DateField()),
                ("reference", models.CharField(max_length=200)),
                ("ended", models.JSONField(default=dict)),
                ("due_on", models.DateField(null=True)),
                ("basis_ko", models.CharField(blank=True, max_length=300)),
                ("basis_en", models.CharField(blank=True, max_length=300)),
                ("remainder", models.JSONField(default=list)),
                ("remainder_done_at", models.DateTimeField(null=True)),
                ("decided_at", models.DateTimeField()),
                ("returned_at", models.DateTimeField(null=True)),
                ("returned_reference", models.CharField(blank=True, max_length=200)),
                ("agency", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="staff.agency")),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="departures",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-decided_at"],
            },
        ),
        migrations.CreateModel(
            name="Engagement",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("agency", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="staff.agency")),
                (
                    "contract",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="people", to="staff.contract"
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="engagements",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-starts_at"],
            },
        ),
        migrations.CreateModel(
            name="Training",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("course", models.CharField(max_length=100)),
                ("provider", models.CharField(max_length=100)),
                ("held_on", models.DateField()),
                ("reference", models.CharField(blank=True, max_length=200)),
                ("recorded_at", models.DateTimeField()),
                ("agency", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="staff.agency")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="trainings",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-held_on", "-recorded_at"],
            },
        ),
        migrations.CreateModel(
            name="Appointment",
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
                ("title", models.CharField(max_length=60)),
                ("post", models.CharField(blank=True, max_length=60)),
                ("department", models.CharField(max_length=100)),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField(blank=True, null=True)),
                ("reference", models.CharField(max_length=200)),
                ("ended_reference", models.CharField(blank=True, max_length=200)),
                ("recorded_at", models.DateTimeField()),
                ("agency", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="staff.agency")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="appointments",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-starts_on", "-recorded_at"],
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
                        name="appointment_role",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_on__isnull", True), ("ends_on__gte", models.F("starts_on")), _connector="OR"
                        ),
                        name="appointment_range",
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="contract",
            constraint=models.CheckConstraint(
                condition=models.Q(("ends_on__isnull", True), ("ends_on__gte", models.F("starts_on")), _connector="OR"),
                name="contract_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="departure",
            constraint=models.CheckConstraint(
                condition=models.Q(("event__in", ("전보", "퇴직", "휴직", "계약종료"))), name="departure_event"
            ),
        ),
        migrations.AddConstraint(
            model_name="engagement",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ended_at__isnull", True)), fields=("person",), name="engagement_one_open"
            ),
        ),
        *(migrations.RunSQL(policies(table), drop(table)) for table in TABLES),
        migrations.RunSQL(f"revoke delete, truncate on {', '.join(TABLES)} from gwanje_app;", migrations.RunSQL.noop),
    ]
