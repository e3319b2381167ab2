"""Rows of the journal, tickets to the contractor, closed months (점검)."""

import django.db.models.deletion
from django.db import migrations, models

import gwanje.kernel.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Month",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField(db_index=True)),
                ("year", models.PositiveSmallIntegerField()),
                ("month", models.PositiveSmallIntegerField()),
                ("cameras", models.PositiveIntegerField()),
                ("faults", models.PositiveIntegerField()),
                ("summary", models.CharField(max_length=500)),
                ("closed_by", models.UUIDField()),
                ("closer", models.CharField(max_length=60)),
                ("closed_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-closed_at"],
            },
        ),
        migrations.CreateModel(
            name="Fault",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField(db_index=True)),
                ("camera_id", models.UUIDField()),
                ("source_id", models.UUIDField(null=True, unique=True)),
                ("name", models.CharField(max_length=200)),
                ("number", models.CharField(max_length=40)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("frozen", "frozen"),
                            ("black", "black"),
                            ("white", "white"),
                            ("blurred", "blurred"),
                            ("covered", "covered"),
                            ("moved", "moved"),
                            ("clock", "clock"),
                            ("standard", "standard"),
                            ("no signal", "no signal"),
                            ("by hand", "by hand"),
                        ],
                        max_length=12,
                    ),
                ),
                ("said", models.CharField(blank=True, max_length=300)),
                ("detail", models.JSONField(default=dict)),
                ("occurred_at", models.DateTimeField()),
                ("healed_at", models.DateTimeField(null=True)),
                ("segment", models.CharField(blank=True, max_length=64)),
                ("picture_at", models.DateTimeField(null=True)),
                ("inspected", models.CharField(blank=True, max_length=500)),
                ("result", models.CharField(blank=True, max_length=500)),
                ("note", models.CharField(blank=True, max_length=500)),
                ("handled_at", models.DateTimeField(null=True)),
                ("signed_by", models.UUIDField(null=True)),
                ("signer", models.CharField(blank=True, max_length=60)),
                ("signed_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["occurred_at", "id"],
                "indexes": [models.Index(fields=["agency_id", "occurred_at"], name="fault_when")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                (
                                    "frozen",
                                    "black",
                                    "white",
                                    "blurred",
                                    "covered",
                                    "moved",
                                    "clock",
                                    "standard",
                                    "no signal",
                                    "by hand",
                                ),
                            )
                        ),
                        name="fault_kind",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("signed_at__isnull", True),
                            models.Q(
                                models.Q(("inspected", ""), _negated=True), models.Q(("result", ""), _negated=True)
                            ),
                            _connector="OR",
                        ),
                        name="fault_signed",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Ticket",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField(db_index=True)),
                ("contractor_id", models.UUIDField(db_index=True)),
                ("contractor", models.CharField(max_length=60)),
                ("asked", models.CharField(blank=True, max_length=500)),
                ("report", models.CharField(blank=True, max_length=500)),
                ("sent_by", models.UUIDField()),
                ("sent_at", models.DateTimeField()),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("on_site_at", models.DateTimeField(null=True)),
                ("repaired_at", models.DateTimeField(null=True)),
                (
                    "fault",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="ticket", to="inspection.fault"
                    ),
                ),
            ],
            options={
                "ordering": ["-sent_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("on_site_at__isnull", True), ("acknowledged_at__isnull", False), _connector="OR"),
                            models.Q(("repaired_at__isnull", True), ("on_site_at__isnull", False), _connector="OR"),
                        ),
                        name="ticket_order",
                    )
                ],
            },
        ),
    ]
