"""Things of the cameras room that the matrix is asked with."""

from gwanje.centre.cameras import importing, services
from gwanje.centre.cameras.models import Mandate
from gwanje.centre.cameras.national.columns import WIDTH_13
from gwanje.centre.common import clock
from gwanje.centre.staff import api as staff

LINE = "가온시청,가온로 12,,생활방범,2,200,전방,30,2020-05,031-123-4567,37.39,126.95,2024-07-01"
HEADER = ",".join(WIDTH_13)


def _actor(world):
    return staff.actor_for(world.officers["administrator"], world.seat.code)


def _camera(world):
    new = services.NewCamera("M-1", "가온로 1", "37.4", "126.9", ("생활방범",), world.city.pk, state="planned")
    return services.register_camera(_actor(world), new)


def _batch(world):
    return importing.preview(_actor(world), "matrix.csv", f"{HEADER}\n{LINE}\n".encode())


def _mandate(world):
    now = clock()
    return Mandate.objects.create(
        agency_id=world.city.pk, owner_id=world.other.pk, document="협약 1", purposes=["범죄예방"],
        starts_on=now.local().date(), recorded_at=now.now(),
    )  # fmt: skip


OBJECTS = {"camera": _camera, "batch": _batch, "mandate": _mandate}
