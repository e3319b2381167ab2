"""Mandates as rows, with what they agreed to on each camera (generated, then fenced)."""

import django.db.models.deletion
from django.db import migrations, models

import gwanje.kernel.ids
from gwanje.kernel.rls import drop, policies


class Migration(migrations.Migration):
    """Schema step."""

    dependencies = [
        ("cameras", "0004_pixels"),
    ]

    operations = [
        migrations.AddField(
            model_name="camera",
            name="mandate_hours",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="camera",
            name="mandate_purposes",
            field=models.JSONField(default=list),
        ),
        migrations.CreateModel(
            name="Mandate",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField(db_index=True)),
                ("owner_id", models.UUIDField()),
                ("document", models.CharField(max_length=200)),
                ("purposes", models.JSONField(default=list)),
                ("hours", models.JSONField(default=dict)),
                ("starts_on", models.DateField()),
                ("ends_on", models.DateField(null=True)),
                ("ended_reference", models.CharField(blank=True, max_length=200)),
                ("recorded_by", models.UUIDField(null=True)),
                ("recorded_at", models.DateTimeField()),
            ],
            options={
                "ordering": ["-starts_on", "-recorded_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("ends_on__isnull", True), ("ends_on__gte", models.F("starts_on")), _connector="OR"
                        ),
                        name="mandate_range",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="camera",
            name="mandated",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="cameras", to="cameras.mandate"
            ),
        ),
        migrations.RunSQL(policies("cameras_mandate"), drop("cameras_mandate")),
        migrations.RunSQL(
            "revoke delete, truncate on cameras_mandate from gwanje_app;"
            "grant select (mandate_purposes, mandate_hours, mandated_id, purpose_hours) on cameras_camera"
            " to gwanje_auditor;",
            migrations.RunSQL.noop,
        ),
    ]
