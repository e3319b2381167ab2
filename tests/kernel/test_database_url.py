"""A database on another machine: verified TLS, limits by which a cut is noticed, a clear refusal of less."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from gwanje.kernel import database
from gwanje.kernel.home import Home


@pytest.fixture
def home(tmp_path):
    made = Home.create(tmp_path / "h")
    (made.secrets / "pg-app").write_text("word of the app")
    return made


@pytest.mark.parametrize(
    ("url", "leaves"),
    [
        ("postgresql:///gwanje?host=/run/pg", False),
        ("postgresql://localhost/gwanje", False),
        ("postgresql://127.0.0.1:5433/gwanje", False),
        ("postgresql://10.1.0.4/gwanje", True),
        ("postgresql://db.example/gwanje", True),
        ("postgresql://localhost,10.1.0.4/gwanje", True),
        ("host=localhost hostaddr=10.1.0.4", True),
        ("host=[::1]", True),
    ],
)
def test_what_leaves_the_machine_is_verified(home, monkeypatch, url, leaves):
    monkeypatch.setenv("GWANJE_DATABASE_URL", url)
    said = conninfo_to_dict(database.dsn(home))
    assert (said.get("sslmode") == "verify-full") is leaves
    assert ("tcp_user_timeout" in said) is leaves
    assert said["user"] == "gwanje_app"
    if leaves:
        assert int(said["tcp_user_timeout"]) <= 3000
        assert int(said["keepalives_idle"]) + int(said["keepalives_interval"]) * int(said["keepalives_count"]) <= 3


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require"])
def test_less_than_a_verified_certificate_is_refused_without_the_password(home, monkeypatch, mode):
    monkeypatch.setenv("GWANJE_DATABASE_URL", f"postgresql://x:secret-word@10.1.0.4/gwanje?sslmode={mode}")
    with pytest.raises(ValueError, match="verify-full") as refused:
        database.dsn(home)
    assert "secret-word" not in str(refused.value)
    assert "word of the app" not in str(refused.value)


def test_a_pinned_root_is_kept(home, monkeypatch):
    monkeypatch.setenv("GWANJE_DATABASE_URL", "postgresql://10.1.0.4/gwanje?sslmode=verify-ca&sslrootcert=/x/pin.crt")
    said = conninfo_to_dict(database.dsn(home))
    assert (said["sslmode"], said["sslrootcert"]) == ("verify-ca", "/x/pin.crt")
