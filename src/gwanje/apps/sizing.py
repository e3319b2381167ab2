"""Sizing of a centre (규모산정): nodes, disks, network, rows and keys for so many cameras, from measured figures.

Every constant stands in ``sizing.json`` with its unit and the measurement or assumption it comes from. Linear where it
was measured to be so; what was only assumed says so in the table.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DAY_S = 86_400
CAMERAS_MAX, DAYS_MAX, MBIT_MAX = 1_000_000, 3650, 200.0


@dataclass(frozen=True)
class Constant:
    """One measured or assumed figure."""

    name: str
    value: float
    unit: str
    source: str

    @property
    def assumed(self) -> bool:
        """Nobody measured it."""
        return self.source.startswith("assumption")


@dataclass(frozen=True)
class Node:
    """A recorder's machine: cores, TB of disk that hold footage, Gbit/s of its port."""

    cores: int = 16
    disk_tb: float = 144.0
    gbit: float = 10.0


@dataclass(frozen=True)
class Row:
    """One line of the table; ``why``: how it comes about, by names of constants."""

    section: str
    ko: str
    en: str
    value: float
    unit: str
    why: str


@cache
def constants() -> dict[str, Constant]:
    """By name."""
    loaded = json.loads(Path(__file__).with_suffix(".json").read_text())
    return {name: Constant(name, one["value"], one["unit"], one["source"]) for name, one in loaded.items()}


def value(name: str) -> float:
    """A constant's value."""
    return constants()[name].value


class Sizing:
    """A centre of ``cameras`` cameras that keep ``days`` days at ``mbit`` Mbit/s each; ValueError out of range."""

    def __init__(self, cameras: int, days: int, mbit: float, node: Node | None = None) -> None:
        fits = 1 <= cameras <= CAMERAS_MAX and 1 <= days <= DAYS_MAX and 0.05 <= mbit <= MBIT_MAX
        self.node = node or Node()
        fits = fits and self.node.cores >= 3 and self.node.disk_tb > 0 and self.node.gbit > 0
        if not fits:
            raise ValueError(f"1-{CAMERAS_MAX} cameras, 1-{DAYS_MAX} days, 0.05-{MBIT_MAX:g} Mbit/s, 3 cores or more")
        self.cameras, self.days, self.mbit = cameras, days, mbit

    @property
    def cpu_s_minute(self) -> float:
        """CPU-seconds a camera-minute at this rate."""
        fixed = value("cpu_fixed_share")
        return value("cpu_s_per_camera_minute") * (fixed + (1 - fixed) * self.mbit / value("measured_mbit"))

    @property
    def cores(self) -> float:
        """Cores of recording, all cameras."""
        return self.cameras * self.cpu_s_minute / 60

    @property
    def stored_tb(self) -> float:
        """TB (10**12 bytes) of all days."""
        return self.cameras * self.mbit / 8 * DAY_S * self.days * value("stored_over_sent") / 1e6

    @property
    def processes(self) -> int:
        """Recorder processes: so many cameras each, and no core fuller than allowed."""
        by_core = value("core_fill") * 60 / self.cpu_s_minute
        return math.ceil(self.cameras / max(1, min(value("cameras_per_process"), int(by_core))))

    def needs(self) -> dict[str, int]:
        """Nodes that each limit alone asks for."""
        usable = self.node.cores - value("cores_beside")
        return {
            "cores": math.ceil(self.cores / (usable * value("core_fill"))),
            "processes": math.ceil(self.processes / usable),
            "disk": math.ceil(self.stored_tb / (self.node.disk_tb * value("disk_fill"))),
            "network": math.ceil(self.cameras * self.mbit / 1000 / (self.node.gbit * value("network_fill"))),
        }

    @property
    def nodes(self) -> int:
        """Recorder nodes, one spare included: the others take a dead node's cameras."""
        return max(self.needs().values()) + 1

    @property
    def operators(self) -> int:
        """Staff on duty at a time."""
        return math.ceil(self.cameras * value("operators_per_100_cameras") / 100)

    @property
    def memory_gb(self) -> float:
        """Resident memory of all recorder processes."""
        rate = max(1.0, self.mbit / value("measured_mbit"))
        return (self.processes * value("rss_mb_process") + self.cameras * value("rss_mb_per_camera") * rate) / 1000

    def rows(self) -> list[Row]:
        """The whole table."""
        return [*self._machines(), *self._disks(), *self._network(), *self._database(), *self._keys()]

    def _machines(self) -> Iterator[Row]:
        limit = max(self.needs(), key=lambda name: self.needs()[name])
        yield Row(
            "녹화 노드 / recorder nodes",
            "노드 수(예비 1대 포함)",
            "nodes, one spare included",
            self.nodes,
            "대",
            f"{self.node.cores} cores, {self.node.disk_tb:g} TB, {self.node.gbit:g} Gbit/s; limited by {limit}",
        )
        yield Row(
            "녹화 노드 / recorder nodes",
            "녹화 프로세스",
            "recorder processes",
            self.processes,
            "개",
            "cameras_per_process, core_fill",
        )
        yield Row(
            "녹화 노드 / recorder nodes",
            "녹화 CPU(전체)",
            "cores of recording, all nodes",
            self.cores,
            "코어",
            "cpu_s_per_camera_minute, cpu_fixed_share",
        )
        yield Row("녹화 노드 / recorder nodes", "녹화 메모리(전체)", "memory of recording, all nodes",
                  self.memory_gb, "GB", "rss_mb_process, rss_mb_per_camera")  # fmt: skip

    def _disks(self) -> Iterator[Row]:
        rate = self.cameras * self.mbit / 8 * value("stored_over_sent")
        yield Row("저장 / store", "하루 저장량", "stored a day", rate * DAY_S / 1e6, "TB", "stored_over_sent")
        yield Row(
            "저장 / store",
            f"{self.days}일 저장량",
            f"stored in {self.days} days",
            self.stored_tb,
            "TB",
            "stored_over_sent",
        )
        yield Row(
            "저장 / store", "필요한 디스크", "disk to buy", self.stored_tb / value("disk_fill"), "TB", "disk_fill"
        )
        yield Row("저장 / store", "쓰기 속도(전체)", "written, all nodes", rate, "MB/s", "stored_over_sent")
        yield Row("저장 / store", "동시에 열린 파일", "files being written", self.cameras, "개", "one a camera")
        yield Row("저장 / store", "파일 수", "files standing", self.files_day * self.days, "개", "files_per_hour")
        objects = self.files_day * value("s3_objects_per_file")
        yield Row(
            "저장 / store", "S3를 쓸 때 객체(하루)", "with S3: objects a day", objects, "개", "s3_objects_per_file"
        )
        line = rate * value("s3_sent_over_stored") * 8 / 1000
        yield Row(
            "저장 / store", "S3를 쓸 때 왕복 통신량", "with S3: there and back", line, "Gbit/s", "s3_sent_over_stored"
        )

    def _network(self) -> Iterator[Row]:
        out = self.operators * value("tiles_per_operator") * value("sub_mbit") / 1000
        yield Row(
            "통신 / network", "카메라에서 들어옴", "in from cameras", self.cameras * self.mbit / 1000, "Gbit/s", "mbit"
        )
        yield Row("통신 / network", "관제 화면으로 나감", "out to walls", out, "Gbit/s", "tiles_per_operator, sub_mbit")

    @property
    def files_day(self) -> float:
        """Segment files a day."""
        return self.cameras * value("files_per_hour") * 24

    def _database(self) -> Iterator[Row]:
        writes = self.cameras / value("progress_s")
        ledger = self.operators * value("ledger_rows_per_operator_day") + 24 * value("classes")
        yield Row(
            "데이터베이스 / database", "영상 색인 행(하루)", "index rows a day", self.files_day, "행", "files_per_hour"
        )
        yield Row("데이터베이스 / database", f"영상 색인({self.days}일)", f"index of {self.days} days",
                  self.files_day * self.days * value("segment_row_bytes") / 1e9, "GB", "segment_row_bytes")  # fmt: skip
        yield Row("데이터베이스 / database", "색인 쓰기", "index writes", writes, "회/s", "progress_s")
        yield Row("데이터베이스 / database", "색인 쓰기가 쓰는 몫", "share of one database's measured writes",
                  100 * writes / value("row_writes_per_s"), "%", "row_writes_per_s")  # fmt: skip
        yield Row(
            "데이터베이스 / database",
            "원장 행(하루)",
            "ledger rows a day",
            ledger,
            "행",
            "operators_per_100_cameras, ledger_rows_per_operator_day, classes",
        )
        yield Row("데이터베이스 / database", "원장(1년)", "ledger of a year",
                  ledger * 365 * value("ledger_row_bytes") / 1e9, "GB", "ledger_row_bytes")  # fmt: skip

    def _keys(self) -> Iterator[Row]:
        roots = 24 * self.days * value("classes")
        size = value("keystore_bytes_base") + self.cameras * value("keystore_bytes_slot")
        yield Row("키 / keys", "살아 있는 시간 키", "living hour keys", roots, "개", "classes")
        yield Row(
            "키 / keys",
            "키 저장소",
            "key store",
            (size + roots * value("keystore_bytes_root")) / 1000,
            "kB",
            "keystore_bytes_slot, keystore_bytes_root",
        )
        yield Row("키 / keys", "키 대여(시간당)", "keys lent an hour", self.cameras, "회", "one a camera and hour")


def figure(number: float) -> str:
    """As a person reads it: three significant digits below a hundred, whole above."""
    if number >= 100 or number == int(number):
        return f"{round(number):,}"
    return f"{number:.3g}"
