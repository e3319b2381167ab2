"""Why an hour is dealt with (hour, puncture, hold), what holds kept of it, and countersignatures (generated)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import gwanje.kernel.ids


class Migration(migrations.Migration):
    """Schema step."""

    dependencies = [
        ("retention", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="destroyedhour",
            name="cause",
            field=models.CharField(
                choices=[("hour", "hour"), ("puncture", "puncture"), ("hold", "hold")], default="hour", max_length=10
            ),
        ),
        migrations.AddField(
            model_name="destroyedhour",
            name="held",
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name="destroyedhour",
            name="reference",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.CreateModel(
            name="Countersignature",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("role", models.CharField(max_length=30)),
                ("name", models.CharField(max_length=100)),
                ("at", models.DateTimeField()),
                ("method", models.CharField(default="unsigned", max_length=20)),
                ("sha256", models.CharField(max_length=64)),
                (
                    "certificate",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="countersignatures",
                        to="retention.certificate",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["at"],
                "constraints": [
                    models.UniqueConstraint(fields=("certificate", "role"), name="countersignature_once"),
                    models.UniqueConstraint(fields=("certificate", "person"), name="countersignature_two_people"),
                ],
            },
        ),
        migrations.RunSQL(
            "create trigger retention_countersignature_change before update or delete or truncate "
            "on retention_countersignature for each statement execute function retention_refuse();",
            migrations.RunSQL.noop,
        ),
    ]
