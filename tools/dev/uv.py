"""Finding uv: on PATH, as a module, by pip, in a venv, or from its wheel on the package index, hash-checked."""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import re
import ssl
import sys
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path

from tools.dev.shell import BUNDLE, CACHE, Failed, pip_setting, run, say, works

OLDEST = (0, 8)
PYPI = "https://pypi.org/simple"
WHEEL_BYTES_MAX = 80_000_000
TIMEOUT_S = 120


def _good(argv: list[str]) -> list[str] | None:
    found = re.match(r"uv (\d+)\.(\d+)", works([*argv, "--version"]))
    return argv if found and (int(found[1]), int(found[2])) >= OLDEST else None


def _on_path() -> list[str] | None:
    return _good(["uv"])


def _as_module() -> list[str] | None:
    return _good([sys.executable, "-m", "uv"])


def _cached() -> list[str] | None:
    return _good([str(CACHE / "tools/uv/bin/uv")])


def _by_pip() -> list[str] | None:
    if not works([sys.executable, "-m", "pip", "--version"]):
        return None
    say("uv: pip install …")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--upgrade", "--target", CACHE / "tools/uv"]
    run([*pip, "uv>=0.8,<1"])
    return _cached()


def _by_venv() -> list[str] | None:
    if not works([sys.executable, "-c", "import ensurepip, venv"]):
        return None
    say("uv: venv …")
    folder = CACHE / "tools/uv-venv"
    run([sys.executable, "-m", "venv", "--clear", folder])
    run([folder / "bin/python", "-m", "pip", "install", "-q", "uv>=0.8,<1"])
    return _good([str(folder / "bin/uv")])


def _fetch(url: str, accept: str = "*/*") -> bytes:
    if not url.startswith("https://"):
        raise Failed(f"https 주소만 받습니다 / only https: {url}")
    given = os.environ.get("SSL_CERT_FILE") or pip_setting("cert") or (str(BUNDLE) if BUNDLE.is_file() else "")
    context = ssl.create_default_context(cafile=given or None)
    request = urllib.request.Request(url, headers={"Accept": accept, "User-Agent": "gwanje-dev"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=context) as answer:
        body: bytes = answer.read(WHEEL_BYTES_MAX + 1)
    if len(body) > WHEEL_BYTES_MAX:
        raise Failed(f"너무 큽니다 / too large: {url}")
    return body


def _listed(index: str) -> list[tuple[str, str, str]]:
    """(file name, url, sha256) of every wheel of uv, from the simple API in JSON or, for plain mirrors, in HTML."""
    page = f"{index.rstrip('/')}/uv/"
    body = _fetch(page, "application/vnd.pypi.simple.v1+json, text/html;q=0.5")
    if body.lstrip()[:1] == b"{":
        files = json.loads(body)["files"]
        return [(f["filename"], urllib.parse.urljoin(page, f["url"]), f["hashes"].get("sha256", "")) for f in files]
    links = re.findall(r'href="([^"#]+)#sha256=([0-9a-f]{64})"', body.decode("utf-8", "replace"))
    return [(urllib.parse.unquote(u.rsplit("/", 1)[-1]), urllib.parse.urljoin(page, u), h) for u, h in links]


def _choose(files: list[tuple[str, str, str]]) -> tuple[str, str, str]:
    libc = "manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux"
    best: tuple[tuple[int, ...], tuple[str, str, str]] | None = None
    for name, url, sha in files:
        match = re.fullmatch(r"uv-(\d+)\.(\d+)\.(\d+)-py3-none-(.+)\.whl", name)
        if match and libc in match[4] and match[4].endswith(platform.machine()) and len(sha) == 64:
            version = tuple(int(match[i]) for i in (1, 2, 3))
            if version >= (*OLDEST, 0) and (best is None or version > best[0]):
                best = (version, (name, url, sha))
    if best is None:
        raise Failed(f"uv 휠 없음 / no wheel of uv for {libc} {platform.machine()}")
    return best[1]


def _by_wheel() -> list[str] | None:
    name, url, sha = _choose(_listed(pip_setting("index-url") or PYPI))
    say(f"uv: {name} …")
    body = _fetch(url)
    if hashlib.sha256(body).hexdigest() != sha:
        raise Failed(f"SHA-256 불일치 / wrong SHA-256: {name}")
    target = CACHE / "tools/uv/bin/uv"
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        inside = next(n for n in archive.namelist() if n.endswith(".data/scripts/uv"))
        part = target.with_suffix(".part")
        part.write_bytes(archive.read(inside))
    part.chmod(0o755)
    part.replace(target)
    return _cached()


def find() -> list[str]:
    """argv prefix of a uv that runs; Failed with everything that was tried."""
    tried: list[str] = []
    ways: tuple[Callable[[], list[str] | None], ...] = (_on_path, _as_module, _cached, _by_pip, _by_venv, _by_wheel)
    only = os.environ.get("GWANJE_DEV_UV")
    for way in ways:
        if only and way.__name__ not in (f"_{only}", "_cached"):
            continue
        try:
            if argv := way():
                return argv
            tried.append(f"{way.__name__[1:]}: none")
        except (Failed, OSError, ValueError, KeyError, StopIteration) as error:
            tried.append(f"{way.__name__[1:]}: {str(error)[-400:]}")
    raise Failed("uv를 찾거나 받을 수 없습니다 / uv cannot be found or fetched:\n  " + "\n  ".join(tried))


def tool(name: str) -> Path:
    """Private folder of a tool under the cache."""
    return CACHE / "tools" / name
