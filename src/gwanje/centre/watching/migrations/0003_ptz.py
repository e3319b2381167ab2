"""Cameras steered out of their zone (구역 밖 긴급 조작), fenced by agency; never deleted by the app's role."""

import django.db.models
import django.db.models.expressions
from django.db import migrations, models

import gwanje.kernel.ids
from gwanje.kernel.rls import drop, policies

TABLE = "watching_ptzemergency"


class Migration(migrations.Migration):
    dependencies = [("watching", "0002_fences")]
    operations = [
        migrations.CreateModel(
            name="PtzEmergency",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField(db_index=True)),
                ("camera_id", models.UUIDField(db_index=True)),
                ("station", models.CharField(max_length=40)),
                ("person_id", models.UUIDField()),
                ("reason", models.CharField(max_length=12)),
                ("words", models.CharField(blank=True, max_length=500)),
                ("started_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("extended", models.PositiveSmallIntegerField(default=0)),
                ("ended_at", models.DateTimeField(null=True)),
                ("reviewed_by", models.UUIDField(null=True)),
                ("reviewed_at", models.DateTimeField(null=True)),
                ("review_note", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "ordering": ["-started_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("until__gt", django.db.models.expressions.F("started_at"))),
                        name="ptz_range",
                    )
                ],
            },
        ),
        migrations.RunSQL(policies(TABLE), drop(TABLE)),
        migrations.RunSQL(f"revoke delete, truncate on {TABLE} from gwanje_app;", migrations.RunSQL.noop),
    ]
