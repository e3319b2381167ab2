"""Duties: one row a clock (할 일·기한)."""

from django.db import migrations, models

import gwanje.kernel.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Duty",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField()),
                ("kind", models.CharField(max_length=60)),
                ("norm", models.CharField(max_length=60)),
                ("subject_kind", models.CharField(max_length=40)),
                ("subject", models.CharField(max_length=200)),
                ("title_ko", models.CharField(max_length=200)),
                ("title_en", models.CharField(max_length=200)),
                ("owner_role", models.CharField(max_length=30)),
                ("person", models.UUIDField(null=True)),
                ("starts_on", models.DateField()),
                ("starts_at", models.DateTimeField(null=True)),
                ("due_on", models.DateField()),
                ("due_at", models.DateTimeField(null=True)),
                ("ends_at", models.DateTimeField()),
                ("basis_ko", models.CharField(max_length=800)),
                ("basis_en", models.CharField(max_length=800)),
                ("articles", models.JSONField(default=list)),
                ("packs", models.JSONField(default=list)),
                ("facts", models.JSONField(default=dict)),
                ("rule", models.CharField(blank=True, max_length=160)),
                ("judged_on", models.DateField()),
                ("hand", models.BooleanField(default=True)),
                ("href", models.CharField(blank=True, max_length=200)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "open"), ("done", "done"), ("late_done", "late_done"), ("void", "void")],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("warned", models.PositiveSmallIntegerField(default=0)),
                ("escalated", models.PositiveSmallIntegerField(default=0)),
                ("recounted", models.PositiveSmallIntegerField(default=0)),
                ("made_at", models.DateTimeField()),
                ("made_by", models.UUIDField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("done_on", models.DateField(null=True)),
                ("done_by", models.UUIDField(null=True)),
                ("done_name", models.CharField(blank=True, max_length=60)),
                ("note", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "ordering": ["ends_at", "id"],
                "indexes": [
                    models.Index(fields=["agency_id", "state", "ends_at"], name="duty_board"),
                    models.Index(fields=["state", "ends_at"], name="duty_pressing"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("agency_id", "kind", "subject_kind", "subject", "starts_on"), name="duty_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("done_at__isnull", True), ("done_on__isnull", True), ("state", "open")),
                            models.Q(
                                ("state__in", ("open", "done", "late_done", "void")),
                                models.Q(("state", "open"), _negated=True),
                                ("done_at__isnull", False),
                                ("done_on__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="duty_closed",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ("open", "void")),
                            models.Q(
                                ("state", "done"),
                                ("done_on__lte", models.F("due_on")),
                                models.Q(
                                    ("due_at__isnull", True), ("done_at__lte", models.F("due_at")), _connector="OR"
                                ),
                            ),
                            models.Q(
                                ("state", "late_done"),
                                models.Q(
                                    ("done_on__lte", models.F("due_on")),
                                    models.Q(
                                        ("due_at__isnull", True), ("done_at__lte", models.F("due_at")), _connector="OR"
                                    ),
                                    _negated=True,
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="duty_late",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("state", "void"), _negated=True),
                            models.Q(("note", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="duty_void_why",
                    ),
                ],
            },
        ),
    ]
