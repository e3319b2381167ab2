"""Break-glass (비상 열람), fenced by agency; never deleted by the app's role."""

import datetime

import django.db.models.expressions
from django.db import migrations, models

import gwanje.kernel.ids
from gwanje.kernel.rls import drop, policies

TABLE = "watching_glass"


class Migration(migrations.Migration):
    dependencies = [("watching", "0003_ptz")]
    operations = [
        migrations.CreateModel(
            name="Glass",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("agency_id", models.UUIDField(db_index=True)),
                ("station", models.CharField(max_length=40)),
                ("person_id", models.UUIDField(db_index=True)),
                ("ground", models.CharField(max_length=40)),
                ("words", models.CharField(max_length=300)),
                ("cameras", models.JSONField(default=list)),
                ("started_at", models.DateTimeField()),
                ("until", models.DateTimeField()),
                ("review_by", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("ended_by", models.UUIDField(null=True)),
                ("reviewed_by", models.UUIDField(null=True)),
                ("reviewed_at", models.DateTimeField(null=True)),
                ("verdict", models.CharField(blank=True, max_length=10)),
                ("review_note", models.CharField(blank=True, max_length=300)),
                ("escalated_at", models.DateTimeField(null=True)),
                ("restored_by", models.UUIDField(null=True)),
                ("restored_at", models.DateTimeField(null=True)),
                ("restore_note", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "ordering": ["-started_at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("until__gt", models.F("started_at")),
                            (
                                "until__lte",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("started_at"), "+", models.Value(datetime.timedelta(seconds=900))
                                ),
                            ),
                        ),
                        name="glass_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ("", "accepted", "misuse"))), name="glass_verdict"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reviewed_by", models.F("person_id")), _negated=True),
                        name="glass_second_person",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("reviewed_at__isnull", True)),
                        fields=("person_id",),
                        name="glass_one_waits",
                    ),
                ],
            },
        ),
        migrations.RunSQL(policies(TABLE), drop(TABLE)),
        migrations.RunSQL(f"revoke delete, truncate on {TABLE} from gwanje_app;", migrations.RunSQL.noop),
    ]
