"""The RTSP handshake against a server on a real socket: authentication, what is set up, what is refused."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from rig import CLIPS
from sim_tools import short_streets

from gwanje.media import rtsp, sdp
from gwanje.media.auth import AuthenticationRefused, Authenticator, Credentials, parse
from gwanje.media.fleet import credentials_of, reason_of
from gwanje.media.h264 import BadParameterSet, picture
from gwanje.media.sim.server import SimServer

VIDEO = "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"
AUDIO = "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:track2\r\n"
ACCOUNT = Credentials("admin", "관제:p@ss")


@dataclass
class Server:
    """A small RTSP server that challenges, records what it was asked, and answers in pieces."""

    challenge: list[str] = field(default_factory=list)
    description: str = AUDIO + VIDEO
    algorithm: str = "md5"
    qop: bool = True
    asked: list[str] = field(default_factory=list)
    silent: str = ""
    port: int = 0

    async def client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                method, url, _ = head.split(" ", 2)
                self.asked.append(f"{method} {url}")
                if method == self.silent:
                    await asyncio.sleep(30)
                for piece in self.answer(method, url, head):
                    writer.write(piece)
                    await writer.drain()
                    await asyncio.sleep(0.005)
        writer.close()

    def answer(self, method: str, url: str, head: str) -> list[bytes]:
        number = re.search(r"CSeq: (\d+)", head)[1]
        if self.challenge and not self.lawful(method, url, head):
            lines = "".join(f"WWW-Authenticate: {c}\r\n" for c in self.challenge)
            return [f"RTSP/1.0 401 Unauthorized\r\nCSeq: {number}\r\n{lines}\r\n".encode()]
        body = ("v=0\r\ns=x\r\na=control:*\r\n" + self.description).encode() if method == "DESCRIBE" else b""
        extra = f"Content-Length: {len(body)}\r\n" if body else ""
        if method == "SETUP":
            extra = "Transport: RTP/AVP/TCP;unicast;interleaved=4-5\r\n"
        early = b"$\4\0\3abc" if method == "PLAY" else b""
        text = f"RTSP/1.0 200 OK\r\nCSeq: {number}\r\nSession: 77;timeout=20\r\n{extra}\r\n".encode() + body
        return [early, text[:9], text[9:] + (b"$\4\0\2de" if early else b"")]

    def lawful(self, method: str, url: str, head: str) -> bool:
        said = re.search(r"Authorization: (.*)\r\n", head)
        if not said:
            return False
        if said[1].startswith("Basic"):
            return said[1] == "Basic YWRtaW466rSA7KCcOnBAc3M="

        def h(text: str) -> str:
            return hashlib.new(self.algorithm, text.encode()).hexdigest()

        p = parse(said[1]).parameters
        first, second = h("admin:cam:관제:p@ss"), h(f"{method}:{url}")
        middle = f"{p['nonce']}:{p['nc']}:{p['cnonce']}:auth" if self.qop else p["nonce"]
        return p["uri"] == url and p["response"] == h(f"{first}:{middle}:{second}")


@contextlib.asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Server]:
    listener = await asyncio.start_server(server.client, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


DIGEST = 'Digest realm="cam", nonce="abc", qop="auth"'
CASES = [
    (Server(['Basic realm="cam"']), "basic"),
    (Server([DIGEST]), "md5"),
    (Server([DIGEST + ", algorithm=SHA-256, opaque=xyz"], algorithm="sha256"), "sha256"),
    (Server([DIGEST + ", algorithm=MD5", DIGEST + ", algorithm=SHA-256"], algorithm="sha256"), "strongest"),
    (Server(['Digest realm="cam", nonce="old"'], qop=False), "rfc2069"),
]


@pytest.mark.parametrize(("server", "name"), CASES)
async def test_logs_in_and_sets_up_the_video_only(server: Server, name: str) -> None:
    async with serving(server):
        playing = await rtsp.play(f"rtsp://127.0.0.1:{server.port}/live", ACCOUNT)
        playing.sock.close()
    setups = [line for line in server.asked if line.startswith("SETUP")]
    assert setups
    assert all(line.endswith("/live/track1") for line in setups)
    assert (playing.channel, playing.keep_alive_s) == (4, 10.0)
    assert playing.early == b"$\4\0\3abc$\4\0\2de"
    assert b"GET_PARAMETER" in playing.session.keep_alive()
    assert b"Session: 77" in playing.session.teardown()


async def test_wrong_or_missing_accounts_are_refused_after_one_try() -> None:
    for account in (None, Credentials("admin", "wrong")):
        async with serving(Server([DIGEST])) as server:
            with pytest.raises(AuthenticationRefused) as refused:
                await rtsp.play(f"rtsp://127.0.0.1:{server.port}/live", account)
            assert len(server.asked) <= 2
            assert reason_of(refused.value)[0] == "camera"


async def test_a_password_in_an_address_is_taken_out(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(Server([DIGEST])) as server:
        address = f"rtsp://admin:%EA%B4%80%EC%A0%9C%3Ap%40ss@127.0.0.1:{server.port}/live"
        playing = await rtsp.play(address)
        playing.sock.close()
    assert all("@" not in line for line in server.asked)
    assert "p@ss" not in caplog.text
    assert "p@ss" not in repr(ACCOUNT)
    assert "@" not in rtsp.Address.of(address).url
    with pytest.raises(ValueError, match="rtsp"):
        rtsp.Address.of("http://127.0.0.1/x")


@pytest.mark.parametrize("silent", ["DESCRIBE", "SETUP", "PLAY"])
async def test_a_server_that_stops_answering_ends_in_time(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rtsp, "ANSWER_S", 0.2)
    async with serving(Server(silent=silent)) as server:
        with pytest.raises(TimeoutError):
            await rtsp.play(f"rtsp://127.0.0.1:{server.port}/live")
    assert reason_of(TimeoutError()) == ("network", "no answer in time")


async def test_a_camera_without_a_known_codec_is_named_by_what_it_offers() -> None:
    other = "m=video 0 RTP/AVP 97\r\na=rtpmap:97 VP8/90000\r\na=control:track1\r\n"
    for description, said in ((AUDIO, "nothing"), (AUDIO + other, "VP8")):
        async with serving(Server(description=description)) as server:
            with pytest.raises(sdp.UnsupportedVideo, match=said):
                await rtsp.play(f"rtsp://127.0.0.1:{server.port}/live")
            assert not [line for line in server.asked if line.startswith("SETUP")]


@pytest.mark.norm("audio.never", "deny")
async def test_the_audio_track_of_a_real_camera_is_never_set_up() -> None:
    clips = short_streets(CLIPS, 1, 4)
    assert clips[0].audio
    async with SimServer(clips) as server:
        playing = await rtsp.play(server.url("cam01"))
        await asyncio.sleep(0.5)
        data = playing.early + await asyncio.get_running_loop().sock_recv(playing.sock, 1 << 20)
        playing.close()
    channels, at = set(), 0
    while at + 4 <= len(data):
        channels.add(data[at + 1])
        at += 4 + int.from_bytes(data[at + 2 : at + 4], "big")
    assert channels <= {playing.channel, playing.channel + 1}
    # no value of this module can name an audio track
    assert not [name for name in vars(sdp) if "audio" in name.lower()]


def test_the_control_address_keeps_the_host_we_reached() -> None:
    text = "v=0\r\na=control:rtsp://10.0.0.9:554/a\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:rtsp://10.0.0.9/a/t1\r\n"
    assert sdp.video(text, "rtsp://127.0.0.1:9000/a").control == "rtsp://127.0.0.1:9000/a/t1"


def test_digest_counts_the_uses_of_a_nonce_and_takes_a_fresh_one_when_stale() -> None:
    auth = Authenticator(ACCOUNT)
    assert auth.header("PLAY", "rtsp://x") == ""
    auth.challenged([DIGEST])
    assert "nc=00000001" in auth.header("SETUP", "rtsp://x")
    assert "nc=00000002" in auth.header("PLAY", "rtsp://x")
    auth.challenged([DIGEST.replace("abc", "def") + ", stale=true"])
    assert "nc=00000001" in auth.header("PLAY", "rtsp://x")
    with pytest.raises(AuthenticationRefused):
        auth.challenged([DIGEST])
    with pytest.raises(AuthenticationRefused, match="not known"):
        Authenticator(ACCOUNT).challenged(['Digest realm="x", nonce="y", algorithm=SHA-512-256'])


async def test_a_gap_row_names_no_address() -> None:
    with pytest.raises(OSError, match="127") as refused:
        await rtsp.play("rtsp://127.0.0.1:1/live")
    assert reason_of(refused.value) == ("network", "Connection refused")


def test_credentials_are_json_or_user_and_password() -> None:
    assert credentials_of(b"admin:a:b") == Credentials("admin", "a:b")
    assert credentials_of(b'{"user": "u", "password": "p"}') == Credentials("u", "p")
    with pytest.raises(ValueError, match="user:password"):
        credentials_of(b"admin")


def test_parameter_sets_give_size_codec_and_depth() -> None:
    found = picture(bytes.fromhex("67640028acd940780227e5c044000003000400000300c83c60c658"))
    assert (found.width, found.height, found.codec) == (1920, 1080, "avc1.640028")
    for broken in (b"", b"\x67", bytes.fromhex("6764"), b"\x68\x01\x02\x03", bytes.fromhex("67640028ff")):
        with pytest.raises(BadParameterSet):
            picture(broken)
