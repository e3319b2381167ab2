"""Tables of preservation (generated)."""

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
            name="Hold",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField(db_index=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("provisional", "provisional"),
                            ("investigation", "investigation"),
                            ("trial", "trial"),
                            ("statute", "statute"),
                            ("extension", "extension"),
                        ],
                        max_length=20,
                    ),
                ),
                ("ground", models.CharField(max_length=60)),
                ("ground_title", models.CharField(max_length=200)),
                ("case", models.CharField(max_length=100)),
                ("reason", models.CharField(max_length=1000)),
                ("requester_role", models.CharField(blank=True, max_length=30)),
                ("station", models.CharField(blank=True, max_length=40)),
                (
                    "state",
                    models.CharField(
                        choices=[("standing", "standing"), ("ended", "ended"), ("died", "died")],
                        default="standing",
                        max_length=10,
                    ),
                ),
                ("made_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("seconds", models.BigIntegerField()),
                ("bytes", models.BigIntegerField()),
                ("adopted", models.BooleanField(default=False)),
                ("warned", models.PositiveSmallIntegerField(default=0)),
                (
                    "requester",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "reviewer",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["ends_at", "id"],
            },
        ),
        migrations.CreateModel(
            name="Application",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField(db_index=True)),
                ("number", models.CharField(max_length=30)),
                ("received_on", models.DateField()),
                ("subject_name", models.CharField(max_length=100)),
                ("subject_phone", models.CharField(max_length=40)),
                ("subject_birth", models.CharField(max_length=20)),
                ("subject_address", models.CharField(max_length=300)),
                ("agent_name", models.CharField(blank=True, max_length=100)),
                ("agent_phone", models.CharField(blank=True, max_length=40)),
                ("agent_birth", models.CharField(blank=True, max_length=20)),
                ("agent_relation", models.CharField(blank=True, max_length=60)),
                ("agent_address", models.CharField(blank=True, max_length=300)),
                ("place", models.CharField(max_length=300)),
                ("purpose", models.CharField(max_length=1000)),
                ("keep_from", models.DateField()),
                ("keep_until", models.DateField()),
                ("consent", models.BooleanField()),
                ("entered_at", models.DateTimeField()),
                (
                    "entered_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "hold",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="applications", to="preservation.hold"
                    ),
                ),
            ],
            options={
                "ordering": ["-entered_at"],
            },
        ),
        migrations.CreateModel(
            name="HoldAct",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField()),
                ("act", models.CharField(choices=[("prolong", "prolong"), ("end", "end")], max_length=10)),
                ("kind", models.CharField(blank=True, max_length=20)),
                ("ground", models.CharField(blank=True, max_length=60)),
                ("case", models.CharField(blank=True, max_length=100)),
                ("ends_at", models.DateTimeField(null=True)),
                ("reason", models.CharField(max_length=1000)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "asked"),
                            ("agreed", "agreed"),
                            ("declined", "declined"),
                            ("lapsed", "lapsed"),
                        ],
                        default="asked",
                        max_length=10,
                    ),
                ),
                ("decision", models.BinaryField(max_length=32)),
                ("decision_body", models.BinaryField()),
                ("asked_role", models.CharField(max_length=30)),
                ("asked_at", models.DateTimeField()),
                ("decided_role", models.CharField(blank=True, max_length=30)),
                ("decided_at", models.DateTimeField(null=True)),
                ("note", models.CharField(blank=True, max_length=500)),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
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
                    "hold",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="acts", to="preservation.hold"
                    ),
                ),
            ],
            options={
                "ordering": ["-asked_at"],
            },
        ),
        migrations.CreateModel(
            name="HoldCamera",
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
                ("class_number", models.PositiveIntegerField()),
                ("first", models.BigIntegerField()),
                ("until", models.BigIntegerField()),
                ("seconds", models.PositiveIntegerField()),
                (
                    "hold",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="cameras", to="preservation.hold"
                    ),
                ),
            ],
            options={
                "ordering": ["label", "first"],
            },
        ),
        migrations.CreateModel(
            name="Deletion",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField(db_index=True)),
                ("camera", models.UUIDField()),
                ("label", models.CharField(max_length=300)),
                ("slot", models.PositiveIntegerField()),
                ("first", models.BigIntegerField()),
                ("until", models.BigIntegerField()),
                ("case", models.CharField(max_length=100)),
                ("applicant", models.CharField(max_length=100)),
                ("reason", models.CharField(max_length=1000)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "waiting"),
                            ("deleted", "deleted"),
                            ("refused", "refused"),
                            ("cancelled", "cancelled"),
                        ],
                        default="waiting",
                        max_length=10,
                    ),
                ),
                ("decision", models.BinaryField(max_length=32)),
                ("decision_body", models.BinaryField()),
                ("asked_role", models.CharField(max_length=30)),
                ("asked_at", models.DateTimeField()),
                ("decided_role", models.CharField(blank=True, max_length=30)),
                ("decided_at", models.DateTimeField(null=True)),
                ("note", models.CharField(blank=True, max_length=500)),
                ("seconds", models.PositiveIntegerField()),
                ("generation", models.BigIntegerField(null=True)),
                ("kept", models.JSONField(default=list)),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-asked_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ("waiting", "deleted", "refused", "cancelled")),
                            ("first__lt", models.F("until")),
                        ),
                        name="deletion_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state__in", ("deleted", "refused")), _negated=True),
                            models.Q(
                                ("decided_by__isnull", False),
                                models.Q(("decided_by", models.F("asked_by")), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="deletion_two",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(fields=["agency_id", "state", "ends_at"], name="preservation_hold_due"),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ("standing", "ended", "died"))), name="hold_state"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(("made_at__lt", models.F("ends_at"))), name="hold_ends"
            ),
        ),
        migrations.AddConstraint(
            model_name="hold",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("adopted", True),
                    models.Q(("requester__isnull", False), ("reviewer__isnull", False)),
                    _connector="OR",
                ),
                name="hold_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.UniqueConstraint(fields=("agency_id", "number"), name="application_once"),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(condition=models.Q(("consent", True)), name="application_consent"),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.CheckConstraint(
                condition=models.Q(("keep_from__lte", models.F("keep_until"))), name="application_period"
            ),
        ),
        migrations.AddConstraint(
            model_name="holdact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ("asked", "agreed", "declined", "lapsed")), ("act__in", ("prolong", "end"))
                ),
                name="holdact_state",
            ),
        ),
        migrations.AddConstraint(
            model_name="holdact",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ("agreed", "declined")), _negated=True),
                    models.Q(
                        ("decided_by__isnull", False), models.Q(("decided_by", models.F("asked_by")), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="holdact_two",
            ),
        ),
        migrations.AddConstraint(
            model_name="holdact",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "asked")), fields=("hold",), name="holdact_one_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="holdcamera",
            constraint=models.CheckConstraint(
                condition=models.Q(("first__lt", models.F("until"))), name="holdcamera_range"
            ),
        ),
    ]
