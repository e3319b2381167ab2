"""Things of the cameras room that the matrix is asked with."""

from gwanje.centre.cameras import importing, services
from gwanje.centre.staff import api as staff

LINE = "가온시청,가온로 12,,생활방범,2,200,전방,30,2020-05,031-123-4567,37.39,126.95,2024-07-01"
HEADER = "관리기관명,소재지도로명주소,소재지지번주소,설치목적구분,카메라대수,카메라화소수,촬영방면정보,보관일수,설치년월,관리기관전화번호,위도,경도,데이터기준일자"


def _actor(world):
    return staff.actor_for(world.officers["administrator"], world.seat.code)


def _camera(world):
    new = services.NewCamera("M-1", "가온로 1", "37.4", "126.9", ("생활방범",), world.city.pk, state="planned")
    return services.register_camera(_actor(world), new)


def _batch(world):
    return importing.preview(_actor(world), "matrix.csv", f"{HEADER}\n{LINE}\n".encode())


OBJECTS = {"camera": _camera, "batch": _batch}
