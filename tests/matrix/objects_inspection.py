"""Objects of the inspection rows."""

from gwanje.centre.cameras import services as cameras
from gwanje.centre.cameras.models import Camera
from gwanje.centre.common import clock
from gwanje.centre.inspection.models import Fault, Ticket
from gwanje.centre.staff import api as staff


def camera(world):
    """A running camera of the city."""
    found = Camera.objects.filter(number="I-1").first()
    if found is None:
        actor = staff.actor_for(world.officers["administrator"], world.seat.code)
        new = cameras.NewCamera("I-1", "가온로 3", "37.4", "126.9", ("생활방범",), world.city.pk, state="planned")
        found = cameras.register_camera(actor, new)
        Camera.objects.filter(pk=found.pk).update(state="active")
    return found


def fault(world):
    """A fault that lasts."""
    row = camera(world)
    return Fault.objects.create(
        agency_id=world.city.pk, camera_id=row.pk, name=row.place, number=row.number, kind="covered",
        said="렌즈 가림", occurred_at=clock().now(),
    )  # fmt: skip


def ticket(world):
    """A ticket to the city's contractor."""
    person = world.officers["maintenance"]
    return Ticket.objects.create(
        agency_id=world.city.pk, fault=fault(world), contractor_id=person.pk, contractor=person.name,
        sent_by=world.officers["manager"].pk, sent_at=clock().now(),
    )  # fmt: skip


OBJECTS = {
    "fault": fault,
    "ticket": ticket,
    "camera_id": camera,
    "contractor_id": lambda world: world.officers["maintenance"],
}
