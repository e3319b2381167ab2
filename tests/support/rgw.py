"""A real S3 of one node on loopback: Ceph RGW from Debian, in memory, for the tests marked ``s3``."""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gwanje.vault.s3_bucket import Bucket, S3Settings

TOOLS = ("ceph-mon", "ceph-mgr", "ceph-osd", "radosgw", "radosgw-admin", "ceph-authtool", "monmaptool")
LINE = "apt-get install -y --no-install-recommends radosgw ceph-mon ceph-osd ceph-mgr ceph-common"
CONF = """[global]
fsid = {fsid}
keyring = {at}/keyring
mon_host = {mon}
mon_initial_members = a
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pg_autoscale_mode = off
mon_allow_pool_size_one = true
mon_warn_on_pool_no_redundancy = false
osd_crush_chooseleaf_type = 0
osd_objectstore = memstore
memstore_device_bytes = 2147483648
run_dir = {at}
log_file = {at}/$name.log
admin_socket = {at}/$name.$pid.asok
mon_data = {at}/mon
osd_data = {at}/osd
mgr_data = {at}/mgr
[client.rgw.a]
rgw_frontends = beast endpoint=127.0.0.1:{port}
rgw_data = {at}/rgw
"""


def missing() -> str:
    """What to install, or nothing."""
    return "" if all(shutil.which(tool) for tool in TOOLS) else LINE


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Node:
    """The node: where it answers, its account, and its gateway's process (to be stopped and continued)."""

    folder: Path
    endpoint: str
    access: str
    secret: str
    gateway: subprocess.Popen[bytes]

    def settings(self, bucket: str, prefix: str = "") -> S3Settings:
        return S3Settings(self.endpoint, bucket, "us-east-1", prefix, self.access, self.secret)

    def bucket(self, prefix: str = "") -> S3Settings:
        """A new bucket."""
        settings = self.settings(f"b{secrets.token_hex(6)}", prefix)
        Bucket(settings)._call("PUT", "", {})
        return settings

    @contextlib.contextmanager
    def hung(self) -> Iterator[None]:
        """The gateway takes connections and does not answer."""
        self.gateway.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.gateway.send_signal(signal.SIGCONT)
            _answers(self.endpoint)


def _run(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{argv}: {done.stderr[-1000:]}"


def _answers(endpoint: str, limit_s: float = 60) -> None:
    host = endpoint.removeprefix("http://")
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            asked = http.client.HTTPConnection(host, timeout=1)
            asked.request("GET", "/")
            asked.getresponse().read()
            return
        time.sleep(0.2)
    raise AssertionError("the gateway does not answer")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Node]:
    """One monitor, one manager, one store in memory, one gateway; all end with the block."""
    for name in ("mon", "osd", "mgr", "rgw"):
        (folder / name).mkdir(parents=True)
    conf, ring, port = folder / "ceph.conf", str(folder / "keyring"), free_port()
    first, second = free_port(), free_port()
    mon = f"[v2:127.0.0.1:{first},v1:127.0.0.1:{second}]"
    fsid = str(uuid.uuid4())
    conf.write_text(CONF.format(fsid=fsid, at=folder, mon=mon, port=port))
    _run("ceph-authtool", "-C", ring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
    for name in ("client.admin", "mgr.a", "osd.0", "client.rgw.a"):
        caps = [word for cap in ("mon", "osd", "mgr") for word in ("--cap", cap, "allow *")]
        _run("ceph-authtool", ring, "--gen-key", "-n", name, *caps)
    monmap, given = str(folder / "monmap"), ("-c", str(conf))
    _run("monmaptool", "--create", "--addv", "a", mon, "--fsid", fsid, monmap)
    _run("ceph-mon", *given, "-i", "a", "--mkfs", "--monmap", monmap, "--keyring", ring)
    children: list[subprocess.Popen[bytes]] = []

    def start(*argv: str) -> subprocess.Popen[bytes]:
        with (folder / f"{argv[0]}.out").open("ab") as out:
            child = subprocess.Popen([*argv, "-f"], stdout=out, stderr=out, start_new_session=True)
        children.append(child)
        return child

    try:
        start("ceph-mon", *given, "-i", "a")
        time.sleep(1.5)
        start("ceph-mgr", *given, "-i", "a")
        osd = str(uuid.uuid4())
        _run("ceph", *given, "osd", "new", osd)
        _run("ceph-osd", *given, "-i", "0", "--mkfs", "--osd-uuid", osd)
        start("ceph-osd", *given, "-i", "0")
        gateway = start("radosgw", *given, "-n", "client.rgw.a")
        endpoint = f"http://127.0.0.1:{port}"
        _answers(endpoint)
        node = Node(folder, endpoint, secrets.token_hex(10), secrets.token_hex(20), gateway)
        _run(
            "radosgw-admin", *given, "user", "create", "--uid=t", "--display-name=t",
            f"--access-key={node.access}", f"--secret-key={node.secret}",
        )  # fmt: skip
        yield node
    finally:
        for child in reversed(children):
            # memory only: there is nothing to write back
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
