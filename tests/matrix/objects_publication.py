"""Objects of the publication rows."""

import runpy
from pathlib import Path

from gwanje.centre.common import clock
from gwanje.centre.publication import bodies, signs
from gwanje.centre.publication.models import Sign, Version

# a camera of the city, as the rows of inspection make one
_camera = runpy.run_path(str(Path(__file__).parent / "objects_inspection.py"))["camera"]


def version(world):
    """A draft of the city's policy."""
    text = bodies.canonical({"sections": [], "annexes": {"departments": []}})
    return Version.objects.create(
        agency_id=world.city.pk, document="policy", number=7, body=text, sha256=bodies.digest(text),
        effective_on=clock().local().date(), drafted_at=clock().now(), drafted_by=world.officers["manager"].pk,
    )  # fmt: skip


def sign(world):
    """A sign of one camera of the city."""
    camera = _camera(world)
    said = {"설치 목적": {"ko": "생활방범", "en": "neighbourhood safety"}}
    return Sign.objects.create(
        agency_id=world.city.pk, title="가온로 3", cameras=[str(camera.pk)], place="site", lat=camera.lat,
        lon=camera.lon, text=said, text_sha256=signs.text_digest(said), put_up_on=clock().local().date(),
        at=clock().now(), by=world.officers["manager"].pk,
    )  # fmt: skip


OBJECTS = {
    "publication_version": version,
    "publication_sign": sign,
    "publication_camera": _camera,
    "publication_day": lambda world: str(clock().local().date()),
}
