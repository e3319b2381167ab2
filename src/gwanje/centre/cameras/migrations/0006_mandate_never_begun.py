"""A mandate may be ended before its first day: then it ends before it begins (수임 철회)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """Schema step."""

    dependencies = [
        ("cameras", "0005_mandates"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="mandate", name="mandate_range"),
        migrations.AddConstraint(
            model_name="mandate",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends_on__isnull", True),
                    ("ends_on__gte", models.F("starts_on")),
                    models.Q(("ended_reference", ""), _negated=True),
                    _connector="OR",
                ),
                name="mandate_range",
            ),
        ),
    ]
