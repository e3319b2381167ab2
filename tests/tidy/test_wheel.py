"""The wheel: what pyproject puts into it is enough to run away from the checkout, with packs, demo city and pages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOAD = """
from gwanje.apps.demo import city, city_file
from gwanje.law import load, packs
assert packs.folder().name == "packs" and city().name
for each in packs.available(): load((each,) if each == "kr_national" else ("kr_national", each))
print(packs.folder(), city_file(), len(packs.available()))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site folder as the wheel would fill it: building a real one needs the network for its build back end."""
    site = tmp_path_factory.mktemp("site")
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert sorted(wheel["only-include"]) == sorted(wheel["sources"])
    for source, target in wheel["sources"].items():
        shutil.copytree(ROOT / source, site / target, ignore=shutil.ignore_patterns("__pycache__", "vendor", "app"))
    return site


def _run(site: Path, *argv: str) -> str:
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GWANJE_", "DJANGO_", "PYTHON"))}
    # the site folder stands before the checkout's own entry
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(site)!r}); sys.argv[1:] = {list(argv[1:])!r}\n",
    ]
    command[-1] += argv[0]
    done = subprocess.run(command, cwd=site, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_installed_package_finds_its_packs_and_city(installed: Path) -> None:
    packs, city, count = _run(installed, LOAD).split()
    assert Path(packs) == installed / "gwanje" / "packs"
    assert Path(city) == installed / "gwanje" / "demo" / "city.yaml"
    assert int(count) >= 2


def test_an_installed_package_traces_the_law_and_begins_a_centre(installed: Path, tmp_path: Path) -> None:
    command = "from gwanje.apps.cli import main; sys.exit(main())"
    assert "103 of 103 mapped" in _run(installed, command, "law", "trace")
    _run(installed, command, "--data", str(tmp_path / "centre"), "init")
    assert (tmp_path / "centre" / "config.json").is_file()


def test_what_git_leaves_out_and_pages_need_is_in_the_wheel() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    left_out = {line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split() if line.startswith("src/")}
    assert left_out == {entry.removesuffix("/**") for entry in wheel["artifacts"] if entry.startswith("src/")}
    assert "*.mo" in wheel["artifacts"]
