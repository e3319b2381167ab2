"""API of cameras (영상정보처리기기 API): list, map features, one camera, import in two steps, export."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from ninja import File, Query, Router, Schema
from ninja.files import UploadedFile

from gwanje.centre.cameras import importing, rules, services
from gwanje.centre.cameras.api import BOUNDARY
from gwanje.centre.cameras.models import Camera, ImportBatch
from gwanje.centre.common import OFFSET_MAX, home
from gwanje.centre.common.doors import acting
from gwanje.centre.common.refusal import Problem, missing

router = Router(tags=["cameras"])
LIMIT_MAX = 1000
PLACES_MAX = 400_000
BOUNDARY_BYTES_MAX = 4 * 1024 * 1024


class CameraOut(Schema):
    """A camera; never an address. ``driver`` and ``transport``: how pictures come; ``vpn``: is one recorded?"""

    id: UUID
    number: str
    label: str
    place: str
    state: str
    mode: str
    purposes: list[str]
    classes: dict[str, Any]
    lat: float
    lon: float
    direction_deg: int
    angle_deg: int
    range_m: int
    retention_class: int
    ptz: bool
    driver: str
    transport: Literal["tcp", "udp", "tls", "auto"]
    network: Literal["dedicated", "public"]
    vpn: bool


class CameraPage(Schema):
    """A page of cameras."""

    count: int
    items: list[CameraOut]


class ImportOut(Schema):
    """An import: its report, and what was added once it is confirmed."""

    id: UUID
    file_name: str
    encoding: str
    width: int
    rows: int
    accepted: int
    repaired: int
    refused: int
    known: int
    added: int | None
    counts: dict[str, dict[str, int]]


def _out(row: Camera) -> CameraOut:
    own = ("lat", "lon", "transport", "network", "vpn")
    values = {name: getattr(row, name) for name in CameraOut.model_fields if name not in own}
    said = row.connection
    return CameraOut(
        **values, lat=float(row.lat), lon=float(row.lon), transport=said.get("transport", "tcp"),
        network=said.get("network", "dedicated"), vpn=bool(said.get("vpn")),
    )  # fmt: skip


def _batch(row: ImportBatch) -> ImportOut:
    return ImportOut(**{name: getattr(row, name) for name in ImportOut.model_fields})


@router.get(
    "/",
    operation_id="cameras_list",
    url_name="cameras-list",
    response=CameraPage,
    summary="Cameras (영상정보처리기기 목록)",
)
def cameras(
    request: HttpRequest, offset: int = Query(0, ge=0, le=OFFSET_MAX), limit: int = Query(100, ge=1, le=LIMIT_MAX)
) -> Any:
    """Cameras of the actor's scope by number."""
    services.require(acting(request), rules.READ)
    rows = services.visible(acting(request))
    return CameraPage(count=rows.count(), items=[_out(row) for row in rows[offset : offset + limit]])


@router.get(
    "/map.geojson", operation_id="cameras_map", url_name="cameras-map", summary="Cameras with view cones (지도)"
)
def features(request: HttpRequest) -> dict[str, Any]:
    """GeoJSON points with direction, angle and range; the map draws the cones."""
    services.require(acting(request), rules.READ)
    rows = services.visible(acting(request)).exclude(state="removed")[:20000]
    return {"type": "FeatureCollection", "features": [_feature(row) for row in rows]}


def _feature(row: Camera) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [float(row.lon), float(row.lat)]},
        "properties": {
            "id": str(row.id), "number": row.number, "label": row.label, "state": row.state,
            "purposes": row.purposes, "direction": row.direction_deg, "angle": row.angle_deg, "range": row.range_m,
        },
    }  # fmt: skip


@router.get(
    "/points.json",
    operation_id="cameras_points",
    url_name="cameras-points",
    summary="Installation points, compact (설치지점)",
)
def points(request: HttpRequest) -> dict[str, Any]:
    """Arrays by column, so that 20,000 places are under 1 MB: ``lon``, ``lat``, ``n`` cameras, ``p`` purpose index."""
    services.require(acting(request), rules.READ)
    rows = importing.points(acting(request)).order_by()
    names: dict[str, int] = {}
    lon: list[float] = []
    lat: list[float] = []
    cameras: list[int] = []
    purpose: list[int] = []
    for x, y, n, p in rows.values_list("lon", "lat", "cameras", "purpose")[:PLACES_MAX].iterator():
        lon.append(round(float(x), 6))
        lat.append(round(float(y), 6))
        cameras.append(n)
        purpose.append(names.setdefault(p, len(names)))
    return {"count": len(lon), "purposes": list(names), "lon": lon, "lat": lat, "n": cameras, "p": purpose}


@router.get(
    "/boundary.geojson",
    operation_id="cameras_boundary",
    url_name="cameras-boundary",
    summary="Outline of the centre's districts (경계)",
)
def boundary(request: HttpRequest) -> HttpResponse:
    """The file ``boundary.geojson`` of the data folder, 4 MB at most; 404 when the centre has none."""
    services.require(acting(request), rules.READ)
    file = home().root / BOUNDARY
    if not file.is_file() or file.stat().st_size > BOUNDARY_BYTES_MAX:
        raise missing("경계", "Outline")
    return HttpResponse(file.read_bytes(), content_type="application/geo+json")


@router.post(
    "/imports",
    operation_id="cameras_import_preview",
    url_name="cameras-import-preview",
    response=ImportOut,
    summary="Read a file and report (가져오기 미리보기)",
)
def import_preview(request: HttpRequest, file: UploadedFile = File(...)) -> Any:  # noqa: B008 (ninja's way)
    """Nothing is written; confirm the returned id to write."""
    if file.size is None or file.size > importing.WEB_BYTES_MAX:
        raise Problem("too_large", "파일이 32MB를 넘습니다.", "The file is larger than 32 MB.", status=413)
    return _batch(importing.preview(acting(request), file.name or "upload.csv", file.read()))


@router.get(
    "/imports/{id}",
    operation_id="cameras_import_report",
    url_name="cameras-import-report",
    response=ImportOut,
    summary="One import's report (가져오기 보고)",
)
def import_report(request: HttpRequest, id: UUID) -> Any:
    """The report as it was at the preview."""
    return _batch(importing.batch(acting(request), id))


@router.post(
    "/imports/{id}/confirm",
    operation_id="cameras_import_confirm",
    url_name="cameras-import-confirm",
    response=ImportOut,
    summary="Write the accepted rows (확정)",
)
def import_confirm(request: HttpRequest, id: UUID) -> Any:
    """Rows that are there already are not added again."""
    return _batch(importing.confirm(acting(request), id))


@router.get(
    "/export.csv", operation_id="cameras_export", url_name="cameras-export", summary="National standard file (내보내기)"
)
def export(request: HttpRequest, columns: int = 18, encoding: str = "utf-8-sig") -> HttpResponse:
    """13, 14 or 18 columns; cp949 or utf-8-sig."""
    data = importing.export(acting(request), columns=columns, encoding=encoding)
    return HttpResponse(data, content_type="text/csv")


@router.get(
    "/{id}",
    operation_id="cameras_one",
    url_name="cameras-one",
    response=CameraOut,
    summary="One camera (영상정보처리기기)",
)
def camera(request: HttpRequest, id: UUID) -> Any:
    """404 for another agency's camera."""
    return _out(services.find(acting(request), id))
