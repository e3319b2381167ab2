"""The demo's city (시연 도시): read from data, loaded through the rooms' own services, never twice."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import yaml

from gwanje.kernel.home import Home
from gwanje.media.sim import clips

CAMERAS_MAX = 400
LINE_MAX = 1000
SIMULATOR_PORT_OFFSET = 20
ONVIF_PORT_OFFSET = 21


class BadCity(ValueError):
    """The city's data or the list of cameras cannot be used; the message says where, in Korean and English."""


@dataclass(frozen=True)
class CityCamera:
    """One camera as data says it; ``main_url`` and ``sub_url`` without account; degrees from north, metres.

    ``clock_s``: how far its simulated clock is ahead.
    """

    number: str
    place: str
    lat: float
    lon: float
    direction: int = 0
    angle: int = 60
    range: int = 50
    purposes: tuple[str, ...] = ("생활방범",)
    ptz: bool = False
    agency: str = "city"
    manager: str = "admin"
    main_url: str = ""
    sub_url: str = ""
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    onvif: str = ""
    zone: dict[str, Any] = field(default_factory=dict)
    clock_s: float = 0.0


@dataclass(frozen=True)
class City:
    """What ``city.yaml`` says."""

    packs: tuple[str, ...]
    name: str
    password: str = field(repr=False)
    agencies: dict[str, dict[str, str]]
    classes: list[dict[str, Any]]
    stations: list[dict[str, Any]]
    people: list[dict[str, Any]]
    ground: str
    own_cameras: tuple[CityCamera, ...]
    neighbours: tuple[CityCamera, ...]
    fault: dict[str, str]


def city_file() -> Path:
    """``$GWANJE_CITY``, else ``demo/city.yaml`` of this checkout, else of the installed package."""
    if given := os.environ.get("GWANJE_CITY"):
        return Path(given)
    here = Path(__file__).resolve()
    beside = here.parents[3] / "demo" / "city.yaml"
    return beside if beside.is_file() else here.parents[1] / "demo" / "city.yaml"


def _camera(said: dict[str, Any]) -> CityCamera:
    account = said.pop("account", {})
    return CityCamera(**{**said, "purposes": tuple(said["purposes"])}, **account)


def city(path: Path | None = None) -> City:
    """Read the city's data; BadCity when it cannot be read."""
    file = path or city_file()
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8"))
        return City(
            packs=tuple(said["packs"]),
            name=said["name"],
            password=said["password"],
            agencies=said["agencies"],
            classes=said["classes"],
            stations=said["stations"],
            people=said["people"],
            ground=said["ground"],
            own_cameras=tuple(_camera(c) for c in said["cameras"]),
            neighbours=tuple(_camera(c) for c in said["neighbours"]),
            fault=dict(said.get("fault") or {}),
        )
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise BadCity(f"{file}: 시연 도시 자료를 읽을 수 없습니다 / the city's data cannot be read: {error}") from error


def settle(home: Home, wanted: City) -> None:
    """Put the city's packs and name into the folder's config where they are missing."""
    config = json.loads(home.config_file.read_text())
    added = {"demo": True, "packs": list(wanted.packs), "name": wanted.name}
    if all(name in config for name in added):
        return
    part = home.config_file.with_suffix(f".{os.getpid()}.tmp")
    part.write_text(json.dumps({**added, **config}, indent=1, ensure_ascii=False))
    # where each process has a user of its own, all of them read it
    shutil.copymode(home.config_file, part)
    os.replace(part, home.config_file)


def _url(home: Home, name: str, stream: str) -> str:
    return f"rtsp://127.0.0.1:{home.port + SIMULATOR_PORT_OFFSET}/{name}/{stream}"


def _device(home: Home, name: str) -> str:
    return f"http://127.0.0.1:{home.port + ONVIF_PORT_OFFSET}/{name}/onvif/device_service"


def simulated(home: Home, wanted: City) -> list[CityCamera]:
    """The city's cameras with the simulator's addresses."""
    named = [(f"cam{i + 1:02d}", camera) for i, camera in enumerate(wanted.own_cameras)]
    return [
        _with(camera, main_url=_url(home, name, "main"), sub_url=_url(home, name, "sub"), onvif=_device(home, name))
        for name, camera in named
    ]


def _with(camera: CityCamera, **changes: Any) -> CityCamera:
    return CityCamera(**{**camera.__dict__, **changes})


def _somewhere(wanted: City, index: int) -> CityCamera:
    """A place for a camera that brings none: the city's own ones first, then on a spiral around the first."""
    if index < len(wanted.own_cameras):
        return wanted.own_cameras[index]
    first, turn = wanted.own_cameras[0], index * 2.4
    reach = 0.004 * math.sqrt(index)
    return _with(first, lat=first.lat + reach * math.sin(turn), lon=first.lon + 1.25 * reach * math.cos(turn))


def from_clips(home: Home, wanted: City, folder: Path) -> list[CityCamera]:
    """One camera per file of the folder, in the order in which the simulator serves them."""
    out = []
    for index, file in enumerate(clips.files(folder)):
        spot = _somewhere(wanted, index)
        name = f"cam{index + 1:02d}"
        out.append(
            _with(
                spot,
                number=f"V-{index + 1:04d}",
                place=f"{spot.place} (영상 파일 {file.stem[:40]})",
                user="",
                password="",
                ptz=False,
                main_url=_url(home, name, "main"),
                sub_url=_url(home, name, "sub"),
            )
        )
    return out


def _address(text: str, where: str) -> tuple[str, str, str]:
    """(address without account, user, password); BadCity when it is no RTSP address."""
    parts = urlsplit(text.strip())
    try:
        fine = parts.scheme == "rtsp" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine:
        # the address itself is not repeated: it may hold a password
        raise BadCity(f"{where}: rtsp:// 주소가 아닙니다 / is no rtsp:// address")
    host = parts.netloc.rpartition("@")[2]
    bare = urlunsplit((parts.scheme, host, parts.path, parts.query, ""))
    return bare, unquote(parts.username or ""), unquote(parts.password or "")


def from_list(wanted: City, file: Path) -> list[CityCamera]:
    """Cameras of a file: ``main_url`` or ``label,lon,lat,main_url,sub_url`` per line; accounts are taken out."""
    out: list[CityCamera] = []
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        where = f"{file.name}:{number}"
        if len(text) > LINE_MAX or len(out) >= CAMERAS_MAX:
            raise BadCity(
                f"{where}: {CAMERAS_MAX}대, 줄당 {LINE_MAX}자까지 / {CAMERAS_MAX} cameras, {LINE_MAX} letters"
            )
        out.append(_listed(wanted, text, where, len(out)))
    if not out:
        raise BadCity(f"{file.name}: 카메라가 없습니다 / holds no camera")
    return out


def _listed(wanted: City, text: str, where: str, index: int) -> CityCamera:
    spot = _with(_somewhere(wanted, index), ptz=False)
    if text.startswith("rtsp://"):
        label, lon, lat, main, sub = f"C-{index + 1:04d}", str(spot.lon), str(spot.lat), text, ""
    else:
        cells = [cell.strip() for cell in next(csv.reader([text]))]
        if len(cells) not in (4, 5):
            raise BadCity(f"{where}: label,lon,lat,main_url[,sub_url] 형식이 아닙니다 / is not of that form")
        label, lon, lat, main, sub = (*cells, "")[:5]
    address, user, password = _address(main, where)
    small, sub_user, sub_password = _address(sub, where) if sub else ("", user, password)
    if (sub_user or user, sub_password or password) != (user, password):
        raise BadCity(f"{where}: 두 주소의 계정이 다릅니다 / the two addresses have different accounts")
    try:
        place = (float(lat), float(lon))
    except ValueError:
        raise BadCity(f"{where}: 좌표가 숫자가 아닙니다 / the coordinates are no numbers") from None
    return _with(
        spot, number=label, place=spot.place, lat=place[0], lon=place[1], main_url=address, sub_url=small, user=user,
        password=password,
    )  # fmt: skip


def accounts(wanted: City) -> str:
    """The accounts for the ready line."""
    names = " ".join(person["account"] for person in wanted.people)
    return f"accounts: {names} · password: {wanted.password}"
