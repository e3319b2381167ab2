"""Papers and supply: commands exist, STYLE.md names its checks, packages are pinned, nothing big is committed."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tools.tidy.files import ROOT, Finding, relative
from tools.tidy.sizes import BLOB_BYTES_MAX

CHECKS = {"ruff", "ruff format", "mypy", "import-linter", "tidy", "law trace", "law mutants", "matrix"}
TEXT_LINES_MAX = {"ARCHITECTURE.md": 150}


def commands(known: set[str], root: Path = ROOT) -> Iterator[Finding]:
    """A `./dev x` in a text that is no command of ./dev."""
    for path in [*root.glob("*.md"), *(root / "docs").rglob("*.md"), root / ".ci/run"]:
        if not path.is_file():
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for word in re.findall(r"\./dev ([a-z][a-z-]*)", line):
                if word not in known:
                    yield Finding(relative(path, root), number, f"./dev {word} does not exist")


def unchecked_style(root: Path = ROOT) -> Iterator[Finding]:
    """A rule of STYLE.md that names no check; a rule that nothing checks is deleted."""
    for number, line in enumerate((root / "STYLE.md").read_text(encoding="utf-8").splitlines(), 1):
        if re.match(r"\d+\. ", line):
            named = re.findall(r"\[([^\]]+)\]", line)
            if not named or any(name.split(":")[0] not in CHECKS for name in named):
                yield Finding("STYLE.md", number, "the rule names no check in [brackets]")


def long_texts(root: Path = ROOT) -> Iterator[Finding]:
    """Texts with a limit of their own."""
    for name, limit in TEXT_LINES_MAX.items():
        if (root / name).is_file() and (n := len((root / name).read_text(encoding="utf-8").splitlines())) > limit:
            yield Finding(name, n, f"{n} lines, at most {limit}")


def supply(root: Path = ROOT) -> Iterator[Finding]:
    """Front-end packages: exact versions, hashes in the lock, no host in it, each vendor file of a listed package."""
    package = json.loads((root / "package.json").read_text())
    listed = {**package.get("dependencies", {}), **package.get("devDependencies", {})}
    for name, version in listed.items():
        if not re.fullmatch(r"\d+\.\d+\.\d+", version):
            yield Finding("package.json", 0, f"{name}: {version} is no exact version")
    for name, entry in json.loads((root / "package-lock.json").read_text())["packages"].items():
        if name and not entry.get("integrity", "").startswith("sha512-"):
            yield Finding("package-lock.json", 0, f"{name} has no integrity")
        if "resolved" in entry:
            yield Finding("package-lock.json", 0, f"{name} names a host; npm config omit-lockfile-registry-resolved")
    for row in json.loads((root / "frontend/vendor.json").read_text())["files"]:
        owner = "/".join(row["from"].split("/")[: 2 if row["from"].startswith("@") else 1])
        if owner not in listed or not re.fullmatch(r"[0-9a-f]{64}", row["sha256"]):
            yield Finding("frontend/vendor.json", 0, f"{row['from']}: package not listed, or no SHA-256")


def big_blobs(root: Path = ROOT) -> Iterator[Finding]:
    """Committed files over 1 MB, and committed third-party folders."""
    if not (root / ".git").exists():
        return
    names = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        path = root / name
        if path.is_file() and path.stat().st_size > BLOB_BYTES_MAX:
            yield Finding(name, 0, f"{path.stat().st_size:,} bytes; at most {BLOB_BYTES_MAX:,}")
        if re.search(r"(^|/)(node_modules|static/vendor|static/app|\.venv|__pycache__)/", name):
            yield Finding(name, 0, "third-party or generated: not committed")
