"""Things of the staff room that the matrix is asked with."""

from datetime import timedelta

from gwanje.centre.common import clock
from gwanje.centre.staff.models import Contract


def _contract(world):
    today = clock().local().date()
    return Contract.objects.create(
        agency_id=world.city.pk, company="가온보안", contact="031-000-0000", scope=["관제"], items={},
        reference="계약 1",
        starts_on=today, ends_on=today + timedelta(days=90), recorded_at=clock().now(),
    )  # fmt: skip


OBJECTS = {"contract": _contract}
