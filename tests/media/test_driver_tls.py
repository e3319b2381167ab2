"""RTSPS: pictures over TLS are recorded whole, and a certificate that nobody recorded ends the connection."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from rig import CLIPS, Roots, decoded, midhour, opened, recording, segment_files, source, until
from sim_tools import short_streets
from web_rig import PASSWORD, USER, WebCamera, serving

from gwanje.media import rtsp
from gwanje.media.auth import Credentials
from gwanje.media.drivers.feeds import InterleavedTls
from gwanje.media.fleet import reason_of
from gwanje.media.sim.server import SimThread
from gwanje.media.tls import NotTrusted, Trust


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A file with key and certificate, its SHA-256, its PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "camera")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path_factory.mktemp("tls") / "camera.pem"
    path.write_bytes(secret + pem)
    return path, hashlib.sha256(made.public_bytes(serialization.Encoding.DER)).hexdigest(), pem.decode()


@contextlib.asynccontextmanager
async def in_tls(port: int, path: Path) -> AsyncIterator[int]:
    """A TLS front before a simulated camera; yields its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    tasks: set[asyncio.Task[None]] = set()

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        tasks.update(asyncio.ensure_future(pour(a, b)) for a, b in ((reader, back), (there, writer)))

    server = await asyncio.start_server(client, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_pictures_over_tls_are_recorded_whole(tmp_path: Path, certificate: tuple[Path, str, str]) -> None:
    path, fingerprint, pem = certificate
    lender = Roots(midhour(tmp_path))
    with SimThread(short_streets(CLIPS, 2, 4)) as sim:
        async with in_tls(sim.port, path) as port:
            wanted = [
                replace(source(n, f"rtsps://127.0.0.1:{port}/cam0{n}/sub"), device={"transport": "tls", "tls": tls})
                for n, tls in ((1, {"fingerprint": fingerprint.upper()}), (2, {"ca": pem}))
            ]
            async with recording(tmp_path, lender, wanted) as recorder:
                await until(lambda: all(c.recorder.parts >= 5 for c in recorder.fleet.cameras.values()), 20)
                assert all(type(wire.feed) is InterleavedTls for wire in recorder.engine._all())
    for path in segment_files(tmp_path):
        counters = decoded(opened(path, lender).mp4)
        assert len(counters) > 40
        assert {(b - a) % 60 for a, b in itertools.pairwise(counters)} <= {1, 1 + 60 - len(counters) % 60}


async def test_an_unknown_certificate_ends_before_anything_is_sent(certificate: tuple[Path, str, str]) -> None:
    path, fingerprint, pem = certificate
    other = "00" * 32
    with SimThread(short_streets(CLIPS, 1, 4)) as sim:
        async with in_tls(sim.port, path) as port:
            url = f"rtsps://user:secret@127.0.0.1:{port}/cam01/main"
            for tls in ({}, {"fingerprint": other}):
                with pytest.raises(NotTrusted, match=fingerprint) as refused:
                    await rtsp.play(url, None, {"tls": tls})
                assert reason_of(refused.value)[0] == "camera"
                assert "secret" not in str(refused.value)
            with pytest.raises(NotTrusted, match="not trusted"):
                await rtsp.play(url.replace("127.0.0.1", "localhost"), None, {"tls": {"ca": pem}})
        assert sim.server.setups == []
    with pytest.raises(rtsp.RtspRefused, match="rtsps"):
        await rtsp.play("rtsp://127.0.0.1:1/x", None, {"transport": "tls"})


def test_what_can_be_trusted_is_a_fingerprint_or_a_ca() -> None:
    assert Trust.of({"fingerprint": "AB:" * 31 + "AB"}).fingerprint == "ab" * 32
    for said in ("x", {"fingerprint": "ab"}, {"ca": "no"}, {"pin": 1}):
        with pytest.raises(ValueError, match=r"tls|SHA-256|PEM"):
            Trust.of(said)


async def test_motion_jpeg_over_https_needs_the_recorded_certificate(
    tmp_path: Path, certificate: tuple[Path, str, str]
) -> None:
    path, fingerprint, _ = certificate
    lender = Roots(midhour(tmp_path))
    with serving(WebCamera(tmp_path, digest=True)) as camera:
        async with in_tls(camera.port, path) as port:
            wanted = [
                replace(source(n, f"https://127.0.0.1:{port}/mjpeg"), driver="pyav", device={"tls": tls})
                for n, tls in ((1, {"fingerprint": fingerprint}), (2, {"fingerprint": "00" * 32}), (3, {}))
            ]
            async with recording(tmp_path, lender, wanted) as recorder:
                recorder.fleet._unseal = lambda _: Credentials(USER, PASSWORD)
                good, wrong, none = recorder.fleet.cameras.values()
                await until(lambda: good.recorder.parts >= 2 and wrong.gaps.open and none.gaps.open, 25)
                assert fingerprint in wrong.gaps.open.detail
                assert fingerprint in none.gaps.open.detail
    # nobody told the account to a device with another certificate
    assert len([line for line in camera.asked if "Digest" in line]) == 1
    assert {file.parent.name for file in segment_files(tmp_path)} == {"1"}
