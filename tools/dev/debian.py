"""Debian packages that tests and benches need: named, installed where `./dev` may, else said precisely."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.dev.shell import Failed, say, which, works

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def _chromium() -> bool:
    return any(works([p, "--version"]) for name in CHROMIUM if (p := which(name)))


def _korean_font() -> bool:
    folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path(os.environ["HOME"]) / ".fonts"]
    names = ("Nanum", "NotoSansCJK", "NotoSansKR", "Pretendard", "UnDotum", "Baekmuk")
    return any(n in p.name for f in folders if f.is_dir() for p in f.rglob("*.[ot]t[fc]") for n in names)


def _ffmpeg() -> bool:
    return which("ffmpeg") is not None


def _gstreamer(name: str) -> Callable[[], bool]:
    return lambda: any(Path("/usr/lib").glob(f"*/{name}"))


GSTREAMER = {
    "gir1.2-gst-rtsp-server-1.0": _gstreamer("girepository-1.0/GstRtspServer-1.0.typelib"),
    "python3-gi": lambda: works(["/usr/bin/python3", "-c", "import gi"]),
    "gstreamer1.0-plugins-good": _gstreamer("gstreamer-1.0/libgstrtp.so"),
    "gstreamer1.0-plugins-ugly": _gstreamer("gstreamer-1.0/libgstx264.so"),
    "gstreamer1.0-plugins-bad": _gstreamer("gstreamer-1.0/libgstx265.so"),
    "gstreamer1.0-libav": _gstreamer("gstreamer-1.0/libgstlibav.so"),
}
CEPH = {
    "radosgw": lambda: which("radosgw") is not None and which("radosgw-admin") is not None,
    "ceph-mon": lambda: which("ceph-mon") is not None,
    "ceph-osd": lambda: which("ceph-osd") is not None,
    "ceph-mgr": lambda: which("ceph-mgr") is not None,
    "ceph-common": lambda: which("ceph") is not None,
}
POPPLER = {"poppler-utils": lambda: which("pdftoppm") is not None}
SOFTHSM = {"softhsm2": lambda: which("softhsm2-util") is not None}
PACKAGES = {
    "chromium": _chromium, "fonts-nanum": _korean_font, "ffmpeg": _ffmpeg, **GSTREAMER, **CEPH, **SOFTHSM,
    **POPPLER,
}  # fmt: skip


def missing(names: Sequence[str]) -> list[str]:
    """Those of the named packages whose content is not on this machine."""
    return [name for name in names if not PACKAGES[name]()]


def need(*names: str) -> None:
    """Install what is missing when root and apt-get are here; Failed naming the exact command otherwise."""
    wanted = missing(names)
    if not wanted:
        return
    line = f"apt-get install -y --no-install-recommends {' '.join(wanted)}"
    if os.geteuid() != 0 or not which("apt-get"):
        raise Failed(
            f"Debian 패키지가 없습니다: {', '.join(wanted)}. 관리자로 다음을 실행하십시오: {line}\n"
            f"Debian packages are missing: {', '.join(wanted)}. As root: {line}"
        )
    say(f"Debian 패키지 설치 / installing Debian packages: {' '.join(wanted)} …")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    steps = (line.split(), ["apt-get", "update", "-q"], line.split())
    said = ""
    # the lists of a fresh machine are empty: update only when the first try fails
    for step in steps:
        done = subprocess.run(step, env=env, capture_output=True, text=True, check=False)
        said = (done.stdout + done.stderr)[-2000:]
        if step[1] == "install" and done.returncode == 0:
            break
    if still := missing(names):
        raise Failed(f"설치 실패 / could not install {', '.join(still)}: {line}\n{said}")
