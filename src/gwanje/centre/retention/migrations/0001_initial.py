"""Hours whose key died, certificates; neither can be deleted, a certificate cannot be changed."""

import django.db.models.deletion
from django.db import migrations, models

import gwanje.kernel.ids

FENCE = """
create function retention_refuse() returns trigger language plpgsql as $$
begin
  raise exception '% on % is refused (파기 기록은 고치거나 지울 수 없습니다)', tg_op, tg_table_name
    using errcode = 'insufficient_privilege';
end $$;
create trigger retention_certificate_change before update or delete or truncate on retention_certificate
  for each statement execute function retention_refuse();
create trigger retention_hour_delete before delete or truncate on retention_destroyedhour
  for each statement execute function retention_refuse();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="RetentionClass",
            fields=[
                ("number", models.IntegerField(primary_key=True, serialize=False)),
                ("kind", models.TextField()),
                ("value", models.IntegerField()),
                ("reference", models.TextField()),
                ("label", models.TextField()),
            ],
            options={
                "db_table": "footage_class",
                "ordering": ["number"],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="Certificate",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.CharField(max_length=30, unique=True)),
                ("issued_at", models.DateTimeField()),
                ("body", models.BinaryField()),
                ("sha256", models.CharField(max_length=64)),
                ("readable", models.JSONField()),
                ("pdf", models.BinaryField()),
                ("level", models.CharField(max_length=4)),
                ("hours", models.IntegerField()),
                ("camera_hours", models.IntegerField()),
                ("parts", models.BigIntegerField()),
                ("ledger_row", models.UUIDField()),
            ],
            options={
                "ordering": ["-issued_at", "-number"],
            },
        ),
        migrations.CreateModel(
            name="DestroyedHour",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gwanje.kernel.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("class_number", models.IntegerField()),
                ("epoch", models.BigIntegerField()),
                ("generation", models.BigIntegerField()),
                ("series", models.IntegerField(default=0)),
                ("key_died_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("seen", "seen"),
                            ("surveyed", "surveyed"),
                            ("erased", "erased"),
                            ("certified", "certified"),
                            ("empty", "empty"),
                        ],
                        default="seen",
                        max_length=10,
                    ),
                ),
                ("segments", models.IntegerField(default=0)),
                ("parts", models.BigIntegerField(default=0)),
                ("bytes", models.BigIntegerField(default=0)),
                ("samples", models.IntegerField(default=0)),
                ("root", models.BinaryField(null=True)),
                ("detail", models.JSONField(default=list)),
                ("exceptions", models.JSONField(default=list)),
                ("erased_at", models.DateTimeField(null=True)),
                (
                    "certificate",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="destroyed",
                        to="retention.certificate",
                    ),
                ),
            ],
            options={
                "ordering": ["epoch", "class_number", "series"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("class_number", "epoch", "generation", "series"), name="retention_hour_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ("seen", "surveyed", "erased", "certified", "empty")),
                            models.Q(("certificate__isnull", True), ("state", "certified"), _connector="OR"),
                        ),
                        name="retention_hour_state",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FENCE, "drop function retention_refuse() cascade;"),
    ]
