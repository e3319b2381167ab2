"""The demo's city: data that loads through the real services, twice without adding, and lists of cameras."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from gwanje.apps import demo, postgres, vaultd
from gwanje.kernel import keys
from gwanje.kernel.accounts import account
from gwanje.kernel.database import connect
from gwanje.kernel.home import Home
from gwanje.kernel.sources import sources
from gwanje.media.registration import recorder_id
from gwanje.vault import ceremony
from gwanje.vault.client import VaultClient
from gwanje.vault.sealed import unseal

CITY = demo.city()


def test_the_city_is_whole() -> None:
    assert len(CITY.own_cameras) == 12
    assert len({camera.number for camera in CITY.own_cameras}) == 12
    roles = {role for person in CITY.people for role in person["roles"]}
    assert roles == {
        "chief_officer", "manager", "operator", "seconded_police", "privacy_officer", "auditor", "maintenance",
        "administrator",
    }  # fmt: skip
    assert all("(가상)" in person["name"] for person in CITY.people), "a name that could be somebody's"
    assert all(camera.purposes for camera in (*CITY.own_cameras, *CITY.neighbours))
    assert sum(bool(station.get("playback")) for station in CITY.stations) == 1
    assert CITY.password in demo.accounts(CITY)


def test_a_broken_city_says_where(tmp_path: Path) -> None:
    file = tmp_path / "city.yaml"
    file.write_text("packs: [a]\nname: [")
    with pytest.raises(demo.BadCity, match=r"city.yaml.*읽을 수 없습니다.*cannot be read"):
        demo.city(file)


def test_a_list_of_cameras_gives_up_its_accounts(tmp_path: Path) -> None:
    file = tmp_path / "cameras.txt"
    file.write_text(
        "# 시험\n\nrtsp://10.0.0.7:554/stream1\n"
        "정문,126.95,37.39,rtsp://us%40er:p%3Ass@10.0.0.8/main?x=1,rtsp://us%40er:p%3Ass@10.0.0.8/sub\n",
        encoding="utf-8-sig",
    )
    first, second = demo.from_list(CITY, file)
    assert (first.number, first.main_url, first.user, first.sub_url) == (
        "C-0001",
        "rtsp://10.0.0.7:554/stream1",
        "",
        "",
    )
    assert (second.number, second.lon, second.lat) == ("정문", 126.95, 37.39)
    assert (second.main_url, second.sub_url) == ("rtsp://10.0.0.8/main?x=1", "rtsp://10.0.0.8/sub")
    assert (second.user, second.password) == ("us@er", "p:ss")
    assert "p:ss" not in repr(second)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("http://10.0.0.1/secret", "label,lon,lat"),
        ("a,b,c,rtsp://10.0.0.1/x", "좌표"),
        ("a,126,37,http://u:secret@10.0.0.1/x", "rtsp://"),
        ("a,126,37,rtsp://u:secret@h/x,rtsp://u:other@h/y", "계정이 다릅니다"),
        ("rtsp://h:70000/x", "rtsp://"),
        ("# nothing", "카메라가 없습니다"),
        ("rtsp://h/" + "x" * 1000, "1000자"),
    ],
)
def test_bad_lines_are_named_without_their_passwords(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "cameras.txt"
    file.write_text(line)
    with pytest.raises(demo.BadCity, match=re.escape(said)) as refused:
        demo.from_list(CITY, file)
    assert "secret" not in str(refused.value)
    assert " / " in str(refused.value)


def test_more_cameras_than_places_stand_apart(tmp_path: Path) -> None:
    for index in range(20):
        (tmp_path / f"{index:02d}.mp4").touch()
    home = Home.create(tmp_path / "data", port=9000)
    made = demo.from_clips(home, CITY, tmp_path)
    assert len({(c.lat, c.lon) for c in made}) == 20
    assert all(37.3 < c.lat < 37.5 and 126.8 < c.lon < 127.1 for c in made)
    assert made[19].main_url == "rtsp://127.0.0.1:9020/cam20/main"


def _run(home: Home, *words: str) -> str:
    argv = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(home.root), *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, env={**os.environ}, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory):
    """A folder with database and vaultd, into which the city was loaded once."""
    home = Home.create(tmp_path_factory.mktemp("demo"), port=9100, demo=True)
    ceremony.create(home)
    with postgres.running(home), vaultd.running(home):
        _run(home, "migrate")
        yield Home(home.root), _run(home, "demo", "load")


def _new(line: str) -> dict[str, int]:
    return {name.strip(): int(new) for name, new in re.findall(r"([a-z ]+) \d+ \(\+(\d+)\)", line)}


def test_the_city_loads_once(loaded: tuple[Home, str]) -> None:
    home, first = loaded
    assert _new(first)["cameras"] == 12
    assert set(_new(_run(home, "demo", "load")).values()) == {0}
    assert home.config["packs"] == list(CITY.packs)
    with closing(VaultClient(home, "checker")) as vault:
        assert vault.status().officers == 7
    with connect(home) as connection, connection.cursor() as cursor:
        rows = sources(cursor)
        cursor.execute("select count(*) from cameras_camera where agency_id <> %s", [rows[0].agency])
        assert cursor.fetchone() == (1,), "the neighbour's camera"
    assert len(rows) == 12
    assert all(row.active for row in rows)
    guarded = next(row for row in rows if row.label == "A-0103")
    box = guarded.sealed_for(recorder_id(home))
    assert box is not None
    secret = unseal(keys.sealing_key(home, "recorder"), box, guarded.camera.bytes)
    assert secret == account("camera", "demo-camera-only", frozenset({"127.0.0.1"}))
    assert b"demo-camera-only" not in box
    assert sum(bool(row.sealed) for row in rows) == 11, "one device asks for no password"


def test_other_sources_let_the_first_ones_rest(loaded: tuple[Home, str], tmp_path: Path) -> None:
    home, _ = loaded
    (tmp_path / "street.mp4").touch()
    (tmp_path / "park.avi").touch()
    assert _new(_run(home, "demo", "load", "--clips", str(tmp_path))) | {"suspended": 12} == {
        "agencies": 0, "stations": 0, "people": 0, "classes": 0, "suspended": 12, "cameras": 2, "neighbours": 0,
        "vault officers": 0, "faults": 0,
    }  # fmt: skip
    with connect(home) as connection, connection.cursor() as cursor:
        assert sorted(row.label for row in sources(cursor) if row.active) == ["V-0001", "V-0002"]
    _run(home, "demo", "load")
    with connect(home) as connection, connection.cursor() as cursor:
        active = [row for row in sources(cursor) if row.active]
    assert [row.label for row in active] == [f"A-01{n:02d}" for n in range(1, 13)]


def test_a_refused_list_writes_nothing(loaded: tuple[Home, str], tmp_path: Path) -> None:
    home, _ = loaded
    file = tmp_path / "cameras.txt"
    file.write_text("good,126.9,37.4,rtsp://127.0.0.1/a\nabroad,2.3,48.8,rtsp://127.0.0.1/b\n")
    argv = [sys.executable, "-m", "gwanje.apps.cli", "--data", str(home.root), "demo", "load", "--cameras", str(file)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "좌표가 대한민국 밖입니다" in done.stdout
    with connect(home) as connection, connection.cursor() as cursor:
        assert [row.label for row in sources(cursor) if row.label == "good"] == []
