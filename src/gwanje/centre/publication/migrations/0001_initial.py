"""Departments, texts, versions, signs (generated)."""

from django.db import migrations, models

import gwanje.kernel.ids


class Migration(migrations.Migration):
    """Schema step."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Department",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField(db_index=True)),
                ("name", models.CharField(max_length=100)),
                ("officer", models.CharField(blank=True, max_length=100)),
                ("operator", models.CharField(blank=True, max_length=100)),
                ("phone", models.CharField(blank=True, max_length=40)),
                ("hours", models.CharField(blank=True, max_length=200)),
                ("place", models.CharField(blank=True, max_length=200)),
                ("at", models.DateTimeField()),
                ("by", models.UUIDField()),
            ],
            options={
                "ordering": ["name", "-at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Text",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField(db_index=True)),
                ("document", models.CharField(choices=[("policy", "policy"), ("plan", "plan")], max_length=12)),
                ("item", models.CharField(max_length=100)),
                ("ko", models.TextField(blank=True)),
                ("en", models.TextField(blank=True)),
                ("at", models.DateTimeField()),
                ("by", models.UUIDField()),
            ],
            options={
                "ordering": ["document", "item", "-at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Sign",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField(db_index=True)),
                ("title", models.CharField(max_length=200)),
                ("cameras", models.JSONField(default=list)),
                (
                    "place",
                    models.CharField(
                        choices=[
                            ("site", "site"),
                            ("entrance", "entrance"),
                            ("homepage", "homepage"),
                            ("none", "none"),
                        ],
                        max_length=10,
                    ),
                ),
                ("exemption", models.CharField(blank=True, max_length=100)),
                ("spot", models.CharField(blank=True, max_length=200)),
                ("size", models.CharField(choices=[("A4", "A4"), ("A3", "A3")], default="A4", max_length=2)),
                ("lat", models.DecimalField(decimal_places=8, max_digits=11)),
                ("lon", models.DecimalField(decimal_places=8, max_digits=11)),
                ("text", models.JSONField(default=dict)),
                ("text_sha256", models.CharField(max_length=64)),
                ("in_view", models.BooleanField(default=False)),
                ("photo", models.BinaryField(null=True)),
                ("photo_sha256", models.CharField(blank=True, max_length=64)),
                ("put_up_on", models.DateField()),
                ("at", models.DateTimeField()),
                ("by", models.UUIDField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by", models.UUIDField(null=True)),
            ],
            options={
                "ordering": ["title", "-at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("place__in", ("site", "entrance", "homepage", "none"))), name="sign_place"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("place", "site"), models.Q(("exemption", ""), _negated=True), _connector="OR"
                        ),
                        name="sign_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Version",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField(db_index=True)),
                ("document", models.CharField(choices=[("policy", "policy"), ("plan", "plan")], max_length=12)),
                ("number", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[("draft", "draft"), ("announced", "announced"), ("withdrawn", "withdrawn")],
                        default="draft",
                        max_length=10,
                    ),
                ),
                ("body", models.TextField()),
                ("sha256", models.CharField(max_length=64)),
                ("reason", models.CharField(blank=True, max_length=1000)),
                ("effective_on", models.DateField()),
                ("drafted_at", models.DateTimeField()),
                ("drafted_by", models.UUIDField()),
                ("announced_on", models.DateField(null=True)),
                ("announced_by", models.UUIDField(null=True)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("withdrawn_by", models.UUIDField(null=True)),
                ("withdrawn_reason", models.CharField(blank=True, max_length=1000)),
            ],
            options={
                "ordering": ["document", "-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("agency_id", "document", "number"), name="version_number"),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "draft")),
                        fields=("agency_id", "document"),
                        name="version_one_draft",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ("draft", "announced", "withdrawn"))), name="version_state"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state", "draft"),
                            models.Q(("announced_by__isnull", False), ("announced_on__isnull", False)),
                            _connector="OR",
                        ),
                        name="version_announced",
                    ),
                ],
            },
        ),
    ]
