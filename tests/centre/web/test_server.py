"""The real web process on a port: health, headers, a whole log-in over HTTP, PostgreSQL away, a clean end."""

from __future__ import annotations

import contextlib
import http.client
import http.cookiejar
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from gwanje.apps.postgres import running
from gwanje.kernel.home import Home
from support import PACKS, free_port
from support.centre import PASSWORD

GWANJE = [sys.executable, "-m", "gwanje.apps.cli"]
SEED = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "gwanje.apps.web.settings"
django.setup()
from gwanje.centre import common
from gwanje.centre.staff import services
with common.system_scope():
    city = services.create_agency("가온시", "city")
    services.add_station("관제석-1", "관제실", city)
    services.grant_role(services.create_person("kim", "김관제", city, os.environ["SEED_PASSWORD"]), "operator", "발령")
"""


class Visitor:
    """Cookies and redirects over real HTTP."""

    def __init__(self, port):
        self.base = f"http://localhost:{port}"
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        self.opener.addheaders = [("Origin", self.base)]

    def send(self, path, **fields):
        """(status, headers, text) of a GET, or of a POST when there are fields."""
        data = None
        if fields:
            token = next((c.value for c in self.jar if c.name == "gwanje_csrf"), "")
            data = urllib.parse.urlencode({"csrfmiddlewaretoken": token, **fields}).encode()
        try:
            with self.opener.open(self.base + path, data, timeout=20) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A data folder of its own, so that its PostgreSQL may be stopped."""
    home = Home.create(tmp_path_factory.mktemp("web") / "h", port=free_port(), packs=PACKS, name="가온 관제센터")
    env = {**os.environ, "GWANJE_DATA": str(home.root), "SEED_PASSWORD": PASSWORD}
    env.pop("GWANJE_DATABASE_ROLE", None)
    return home, env


def wait(visitor):
    """Until /health answers."""
    for _ in range(200):
        try:
            if visitor.send("/health")[0] == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the web server does not answer")


def test_the_web_process_from_first_start_to_end(place):
    home, env = place
    visitor = Visitor(home.port)
    with running(home):
        for end in ("new", " 0 new"):
            done = subprocess.run(
                [*GWANJE, "migrate"], env=env, capture_output=True, text=True, timeout=120, check=True
            )
            assert done.stdout.strip().endswith(end)
        subprocess.run([sys.executable, "-c", SEED], env=env, check=True, timeout=60)
        web = subprocess.Popen([*GWANJE, "web"], env=env, stderr=subprocess.PIPE, text=True)
        try:
            wait(visitor)
            _whole_visit(visitor, home)
        except BaseException:
            web.kill()
            raise
    try:
        status, _, page = visitor.send("/staff/me/")
        assert status == 503
        assert "사고번호" in page
        # what was typed meanwhile is not lost with the database; a password is not given back
        typed = visitor.send("/playback/new/", case="2026-형제-0123", purpose="폭행 사건의 증거 확보")
        assert typed[0] == 503
        assert 'name="purpose" value="폭행 사건의 증거 확보"' in typed[2]
        assert PASSWORD not in visitor.send("/login/", account="kim", password=PASSWORD, station="관제석-1")[2]
        assert visitor.send("/health")[0] == 200
        with running(home):
            assert visitor.send("/staff/me/")[0] == 200
        web.send_signal(signal.SIGTERM)
        said = web.communicate(timeout=10)[1]
        assert web.returncode == 0
        assert PASSWORD not in said
        assert "gwanje_session" not in said
    finally:
        web.kill()
        web.wait()


def _whole_visit(visitor, home):
    status, headers, page = visitor.send("/")
    assert status == 200
    assert "직원 로그인" in page
    assert headers["X-Frame-Options"] == "DENY"
    assert f"ws://localhost:{home.port + 2}" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    fields = {"account": "kim", "station": "관제석-1"}
    assert visitor.send("/login/", password="틀린 비밀번호 하나", **fields)[0] == 401
    status, headers, page = visitor.send("/login/", password=PASSWORD, **fields)
    assert status == 200
    assert "김관제" in page
    assert headers["Cache-Control"] == "no-store"
    cookies = {c.name: c for c in visitor.jar}
    assert cookies["gwanje_session"].has_nonstandard_attr("HttpOnly")
    assert cookies["gwanje_session"].get_nonstandard_attr("SameSite") == "Strict"
    assert visitor.send("/staff/shift/start/", next="x")[0] == 200
    assert '"on_duty": true' in visitor.send("/api/staff/me")[2]
    status, headers, css = visitor.send("/static/css/base.css")
    assert status == 200
    assert headers["Content-Type"].startswith("text/css")
    assert css
    assert visitor.send("/api/openapi.json")[2].count("operationId") > 10
    assert visitor.send("/no/such/page")[0] == 404
    assert visitor.send("/static/../settings.py")[0] == 404
    assert _host(home.port, "evil.example") == 400
    assert _post(home.port, {"Content-Length": str(64 * 1024 * 1024)}, b"") == 413
    chunks = (b"x" * (1 << 20) for _ in range(40))
    assert _post(home.port, {"Transfer-Encoding": "chunked"}, chunks) == 413


def _host(port, name):
    connection = http.client.HTTPConnection("localhost", port, timeout=10)
    connection.request("GET", "/login/", headers={"Host": name})
    status = connection.getresponse().status
    connection.close()
    return status


def _post(port, headers, body):
    connection = http.client.HTTPConnection("localhost", port, timeout=20)
    try:
        with contextlib.suppress(ConnectionError):
            connection.request("POST", "/login/", body or None, headers, encode_chunked="Transfer-Encoding" in headers)
        return connection.getresponse().status
    finally:
        connection.close()
