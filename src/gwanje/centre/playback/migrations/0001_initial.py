"""Tables of playback (generated)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import gwanje.kernel.ids


class Migration(migrations.Migration):
    """Schema step."""

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Request",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField(db_index=True)),
                ("requester_role", models.CharField(max_length=30)),
                ("station", models.CharField(max_length=40)),
                ("ground", models.CharField(max_length=60)),
                ("ground_title", models.CharField(max_length=200)),
                ("case", models.CharField(max_length=100)),
                ("document", models.CharField(blank=True, max_length=200)),
                ("purpose", models.CharField(max_length=1000)),
                ("asked_first", models.BigIntegerField()),
                ("asked_until", models.BigIntegerField()),
                ("first", models.BigIntegerField()),
                ("until", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "asked"),
                            ("approved", "approved"),
                            ("refused", "refused"),
                            ("expired", "expired"),
                            ("viewed", "viewed"),
                            ("cancelled", "cancelled"),
                        ],
                        default="asked",
                        max_length=12,
                    ),
                ),
                ("decision", models.BinaryField(max_length=32)),
                ("decision_body", models.BinaryField()),
                ("asked_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(null=True)),
                ("valid_until", models.DateTimeField()),
                ("situation", models.UUIDField(null=True)),
                (
                    "requester",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="playback_requests",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-asked_at"],
            },
        ),
        migrations.CreateModel(
            name="Issue",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField()),
                ("station", models.CharField(max_length=40)),
                ("issued_at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="issues", to="playback.request"
                    ),
                ),
            ],
            options={
                "ordering": ["issued_at"],
            },
        ),
        migrations.CreateModel(
            name="Approval",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField()),
                ("role", models.CharField(max_length=30)),
                ("agreed", models.BooleanField()),
                ("note", models.CharField(blank=True, max_length=500)),
                ("decision", models.BinaryField(max_length=32)),
                ("at", models.DateTimeField()),
                ("at_us", models.BigIntegerField()),
                ("method", models.CharField(default="unsigned", max_length=20)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="playback_approvals",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="approvals", to="playback.request"
                    ),
                ),
            ],
            options={
                "ordering": ["at"],
            },
        ),
        migrations.CreateModel(
            name="RequestCamera",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField()),
                ("camera", models.UUIDField()),
                ("label", models.CharField(max_length=300)),
                ("slot", models.PositiveIntegerField()),
                ("stream", models.PositiveSmallIntegerField(default=0)),
                ("seconds", models.PositiveIntegerField()),
                ("gaps", models.PositiveIntegerField()),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="cameras", to="playback.request"
                    ),
                ),
            ],
            options={
                "ordering": ["label"],
            },
        ),
        migrations.AddIndex(
            model_name="request",
            index=models.Index(fields=["agency_id", "state", "-asked_at"], name="playback_re_agency__2611f7_idx"),
        ),
        migrations.AddConstraint(
            model_name="request",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ("asked", "approved", "refused", "expired", "viewed", "cancelled"))),
                name="playback_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="request",
            constraint=models.CheckConstraint(
                condition=models.Q(("first__lt", models.F("until"))), name="playback_range"
            ),
        ),
        migrations.AddConstraint(
            model_name="request",
            constraint=models.CheckConstraint(
                condition=models.Q(("first__lte", models.F("asked_first")), ("until__gte", models.F("asked_until"))),
                name="playback_widened",
            ),
        ),
        migrations.AddConstraint(
            model_name="approval",
            constraint=models.UniqueConstraint(fields=("request", "person"), name="approval_once"),
        ),
        migrations.AddConstraint(
            model_name="requestcamera",
            constraint=models.UniqueConstraint(fields=("request", "camera", "stream"), name="requestcamera_once"),
        ),
    ]
