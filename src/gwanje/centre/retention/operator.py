"""Who operates the centre (운영 기관): the resource that centre-wide acts of retention are about."""

from __future__ import annotations

from gwanje.centre.staff import api as staff
from gwanje.kernel.policy import Resource


def centre() -> Resource:
    """The centre as a whole, as a resource of the agency that operates it: the first city that was registered."""
    found = staff.agencies().filter(kind="city").order_by("id").first()
    return Resource("centre", agency=found.pk if found else None)
