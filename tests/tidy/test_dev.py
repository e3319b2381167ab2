"""`./dev` itself: its calls, its hash checks, what it says when something is missing."""

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import zipfile

import pytest

from tools.dev import checks, debian, main, setup, shell, uv
from tools.tidy.files import ROOT

EMPTY = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def dev(*args, **env):
    line = [sys.executable, str(ROOT / "dev"), *args]
    return subprocess.run(line, env={**EMPTY, **env}, capture_output=True, text=True, timeout=60, check=False)


def test_it_lists_its_commands_and_refuses_others():
    listed = dev("--help")
    assert listed.returncode == 0
    for name in ("demo", "run", "test", "check", "lint", "law", "docs", "bench", "setup"):
        assert re.search(rf"^  {name} +\S", listed.stdout, re.MULTILINE)
    assert dev().returncode == 2
    wrong = dev("fly")
    assert wrong.returncode == 2
    assert "unknown command: fly" in wrong.stderr


def test_it_is_standard_library_only():
    code = "import sys; from tools.dev import main, setup, uv, debian, checks; print(*sorted(sys.modules))"
    # -S: no site-packages at all
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "tools.dev.setup" in done.stdout


def test_a_second_setup_takes_less_than_a_second(tmp_path):
    dev("setup", HOME=str(tmp_path))
    done = dev("setup", HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def vendored(tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    monkeypatch.setattr(setup, "VENDOR", tmp_path / "vendor")
    monkeypatch.setattr(setup, "MANIFEST", tmp_path / "vendor.json")
    monkeypatch.setattr(setup, "node_packages", lambda: None)
    file = tmp_path / "node_modules/a/x.js"
    file.parent.mkdir(parents=True)
    file.write_text("let a = 1;")
    row = {"from": "a/x.js", "to": "x.js", "sha256": hashlib.sha256(b"let a = 1;").hexdigest()}
    (tmp_path / "vendor.json").write_text(json.dumps({"files": [row]}))
    return tmp_path


def test_a_vendor_file_of_another_hash_stops_the_setup(vendored):
    setup.vendor_files()
    assert (vendored / "vendor/x.js").read_text() == "let a = 1;"
    (vendored / "vendor/x.js").write_text("let a = 2;")
    (vendored / "vendor/stranger.js").write_text("")
    setup.vendor_files()
    assert (vendored / "vendor/x.js").read_text() == "let a = 1;"
    assert not (vendored / "vendor/stranger.js").exists()
    (vendored / "node_modules/a/x.js").write_text("let a = evil;")
    (vendored / "vendor/x.js").unlink()
    with pytest.raises(shell.Failed, match=r"does not match frontend/vendor\.json: a/x\.js"):
        setup.vendor_files()
    assert not (vendored / "vendor/x.js").exists()


def wheel(tmp_path, monkeypatch, sha=None, page="json"):
    """A package index with one wheel of uv, served to uv.py in place of the network."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w") as archive:
        archive.writestr("uv-9.9.9.data/scripts/uv", "#!/bin/sh\necho uv 9.9.9\n")
    name = f"uv-9.9.9-py3-none-manylinux_2_17_{os.uname().machine}.whl"
    sha = sha or hashlib.sha256(body.getvalue()).hexdigest()
    listed = {"files": [{"filename": name, "url": f"../../{name}", "hashes": {"sha256": sha}}]}
    html = f'<a href="../../{name}#sha256={sha}">{name}</a>'
    pages = {"json": json.dumps(listed).encode(), "html": html.encode()}

    def fetch(url, accept="*/*"):
        assert url.startswith("https://index.example/")
        return body.getvalue() if url.endswith(".whl") else pages[page]

    monkeypatch.setattr(uv, "_fetch", fetch)
    monkeypatch.setattr(uv, "CACHE", tmp_path)
    monkeypatch.setattr(uv.platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setenv("PIP_INDEX_URL", "https://index.example/simple")


@pytest.mark.parametrize("page", ["json", "html"])
def test_uv_is_unpacked_from_its_wheel(tmp_path, monkeypatch, page):
    wheel(tmp_path, monkeypatch, page=page)
    assert uv._by_wheel() == [str(tmp_path / "tools/uv/bin/uv")]


def test_a_wheel_of_another_hash_is_not_unpacked(tmp_path, monkeypatch):
    wheel(tmp_path, monkeypatch, sha="0" * 64)
    with pytest.raises(shell.Failed, match="wrong SHA-256"):
        uv._by_wheel()
    assert not (tmp_path / "tools").exists()


def test_only_https_is_fetched():
    with pytest.raises(shell.Failed, match="only https"):
        uv._fetch("file:///etc/passwd")


def test_missing_packages_are_named_with_the_command(monkeypatch):
    monkeypatch.setitem(debian.PACKAGES, "chromium", lambda: False)
    monkeypatch.setitem(debian.PACKAGES, "fonts-nanum", lambda: True)
    monkeypatch.setattr(debian.os, "geteuid", lambda: 1000)
    with pytest.raises(shell.Failed, match=r"apt-get install -y --no-install-recommends chromium$"):
        debian.need("chromium", "fonts-nanum")


def test_pip_configuration_is_honoured(tmp_path, monkeypatch):
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    (tmp_path / ".config/pip").mkdir(parents=True)
    (tmp_path / ".config/pip/pip.conf").write_text("[global]\nindex-url = https://mirror.example/simple\n")
    assert shell.pip_setting("index-url") == "https://mirror.example/simple"
    monkeypatch.setenv("PIP_INDEX_URL", "https://other.example/simple")
    assert shell.pip_setting("index-url") == "https://other.example/simple"


def test_areas_and_the_closing_line():
    assert checks._areas(["tidy", "-k", "x"]) == ["tests/tidy", "-k", "x"]
    for line in ("3 passed in 1.20s", "1 failed, 2 passed in 61.20s (0:01:01)", "2 skipped in 0.1s"):
        assert checks.CLOSING.search(line)


def test_a_control_that_fails_fails_lint(monkeypatch):
    monkeypatch.setattr(checks, "_step", lambda name, argv: "" if name == "mypy" else "ok")
    with pytest.raises(shell.Failed, match=r"lint: mypy \(1 of 5\)"):
        checks._lint()


def test_a_failed_lint_fails_the_tests_that_pass(monkeypatch, capsys):
    monkeypatch.setattr(checks, "_setup", lambda: None)
    monkeypatch.setattr(debian, "need", lambda *names: None)
    monkeypatch.setattr(checks, "_tests", lambda args: (0, "3 passed in 0.01s"))
    monkeypatch.setattr(checks, "_step", lambda name, argv: "" if name == "ruff" else "ok")
    assert checks.test([]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "3 passed in 0.01s"
    monkeypatch.setattr(checks, "_step", lambda name, argv: "ok")
    assert checks.test([]) == 0


def test_a_control_shows_what_it_found(capsys):
    assert checks._step("x", [sys.executable, "-c", "print('3 found'); raise SystemExit(1)"]) == ""
    assert "3 found" in capsys.readouterr().out
    assert checks._step("x", [sys.executable, "-c", "print('5 kept')"]) == "5 kept"


def test_wrong_arguments_are_refused():
    for name in ("setup", "lint"):
        with pytest.raises(shell.Failed):
            main.COMMANDS[name](["--bogus"])
    with pytest.raises(shell.Failed, match="bench NAME"):
        main.COMMANDS["bench"](["nothing"])
