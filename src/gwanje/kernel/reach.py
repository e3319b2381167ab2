"""Where a recorder may connect (카메라 접속 허용 범위): one rule for registration, connection and every redirect.

Whoever names an address makes this centre's machines speak to it. Refused always: unspecified, link-local (the
metadata service of clouds), multicast, reserved, known metadata addresses, the centre's own services. Loopback and this
machine's own addresses only where ``camera_loopback`` says so; everything else only inside ``camera_networks``.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict

from gwanje.kernel.home import Home

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
NETWORKS_MAX: Final = 256
# RFC 1918, RFC 6598, RFC 4193
PRIVATE: Final = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
PORTS: Final = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443, "rtmp": 1935, "rtmps": 443}
POSTGRES_PORT: Final = 5432
# metadata services outside 169.254/16: Alibaba, Amazon (IPv6), Azure, Oracle
_METADATA: Final = frozenset(
    map(ipaddress.ip_address, ("100.100.100.200", "fd00:ec2::254", "168.63.129.16", "192.0.0.192"))
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
_RESERVED: Final = tuple(map(ipaddress.ip_network, ("0.0.0.0/8", "240.0.0.0/4")))  # tidy: refused, no listener
_NAMES: Final = ("localhost", ".localhost")
WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "unspecified": ("정해지지 않은 주소입니다", "it is an unspecified address"),
    "link_local": ("링크로컬 주소(169.254/16, fe80::/10)입니다", "it is a link-local address (169.254/16, fe80::/10)"),
    "multicast": ("멀티캐스트 주소입니다", "it is a multicast address"),
    "reserved": ("예약되었거나 브로드캐스트 주소입니다", "it is a reserved or broadcast address"),
    "metadata": ("서버 관리용(클라우드 메타데이터) 주소입니다", "it is a metadata service of a cloud"),
    "own_service": ("관제센터 자신의 서비스 포트입니다", "it is a port of the centre's own services"),
    "loopback": ("관제센터 장비 자신의 주소입니다", "it is an address of the centre's own machine"),
    "network": ("카메라망으로 등록된 대역 밖의 주소입니다", "it is outside the networks of cameras"),
    "host": ("주소의 모양이 아닙니다", "it is no address"),
}
RULE: Final = "config.json: camera_networks, camera_loopback"
NEXT_KO: Final = (
    "카메라가 실제로 있는 주소인지 확인하십시오. 맞다면 담당자가 그 대역을 config.json의 camera_networks에 적고 "
    "다시 시작해야 합니다. 링크로컬·멀티캐스트 주소와 센터 자신의 포트는 적어도 허용되지 않습니다."
)
NEXT_EN: Final = (
    "Check the camera's address; if it is right, its network has to be added to camera_networks in config.json and "
    "the services restarted. Link-local and multicast addresses and the centre's own ports are never allowed."
)


class Unreachable(ConnectionError):
    """An address that is not connected to; ``code`` is a key of ``WORDS``. The text names no address."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.ko, self.en = WORDS[code]
        super().__init__(f"접속하지 않는 주소: {self.ko} / not connected to: {self.en} ({RULE})")


class BadReach(ValueError):
    """The configuration names something that is no network."""

    def __init__(self, name: str, value: object) -> None:
        super().__init__(
            f"config.json의 {name} 값을 읽을 수 없습니다: {str(value)[:80]!r}. {name}는 '10.0.0.0/8' 같은 대역의 목록"
            f"({NETWORKS_MAX}개까지), camera_loopback은 true/false입니다. / {name} in config.json cannot be read: "
            f"networks like '10.0.0.0/8' (at most {NETWORKS_MAX}), camera_loopback true or false."
        )


def literal(host: str) -> Address | None:
    """The address that a host's text is, in every spelling that a resolver takes (127.1, 0x7f000001); else None."""
    text = host.strip("[]").partition("%")[0]
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(text)) if text[:1].isdigit() else None
    except OSError:
        return None


def _inner(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only wraps it (RFC 4291, RFC 6052, RFC 3056, RFC 4380)."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
    if wrapped is None and address in _NAT64:
        wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return wrapped or address


def _never(address: Address) -> str:
    """Why this address is never connected to, whatever the configuration says; empty when it may be."""
    if address.is_unspecified:
        return "unspecified"
    if address.is_link_local:
        return "link_local"
    if address.is_multicast:
        return "multicast"
    if address in _METADATA:
        return "metadata"
    if any(address.version == net.version and address in net for net in _RESERVED):
        return "reserved"
    return ""


@dataclass(frozen=True)
class Reach:
    """What is allowed. ``ports``: the centre's own, on any of its addresses; ``places``: its services elsewhere.

    ``files``: the folder below which the ``file`` driver may read, empty = none.
    """

    networks: tuple[Network, ...] = tuple(map(ipaddress.ip_network, PRIVATE))
    loopback: bool = False
    ports: frozenset[int] = frozenset()
    places: frozenset[tuple[str, int]] = frozenset()
    files: str = ""

    @classmethod
    def of(cls, home: Home) -> Reach:
        """From ``config.json``: camera_networks, camera_loopback (a demo's is true), camera_files; BadReach."""
        said = home.config.get("camera_networks", list(PRIVATE))
        loopback = home.config.get("camera_loopback", bool(home.config.get("demo")))
        files = home.config.get("camera_files", "")
        if not isinstance(loopback, bool):
            raise BadReach("camera_loopback", loopback)
        if not isinstance(files, str) or (files and not os.path.isabs(files)):
            raise BadReach("camera_files", files)
        ports, places = _services(home)
        return cls(_networks(said), loopback, ports, places, files)

    def as_json(self) -> dict[str, Any]:
        """For another process of ours."""
        return {
            "networks": [str(net) for net in self.networks], "loopback": self.loopback, "ports": sorted(self.ports),
            "places": sorted(self.places), "files": self.files,
        }  # fmt: skip

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Reach:
        """The other way."""
        places = frozenset((str(host), int(port)) for host, port in said["places"])
        return cls(_networks(said["networks"]), bool(said["loopback"]), frozenset(said["ports"]), places,
                   str(said["files"]))  # fmt: skip

    def refusal(self, address: Address, port: int, *, own: bool) -> str:
        """Why this address is not connected to: a key of ``WORDS``, empty when it may be. Pure.

        ``own``: it is an address of this machine (``is_own``). ``port`` 0: any.
        """
        if why := _never(address):
            return why
        inner = _inner(address)
        if inner is not address and (why := _never(inner)):
            return why
        here = own or inner.is_loopback
        if (here and port in self.ports) or (str(inner), port) in self.places:
            return "own_service"
        if here:
            return "" if self.loopback else "loopback"
        judged = {address, inner}
        inside = any(one.version == net.version and one in net for one in judged for net in self.networks)
        return "" if inside else "network"

    def check(self, address: Address, port: int) -> None:
        """Unreachable unless it may be connected to."""
        if why := self.refusal(address, port, own=is_own(address)):
            raise Unreachable(why)

    def check_host(self, host: str, port: int) -> None:
        """Unreachable for an address, or a name of this machine, that may not be; other names wait for their answer."""
        address = literal(host)
        name = host.lower().rstrip(".")
        if address is not None:
            self.check(address, port)
        elif name == _NAMES[0] or name.endswith(_NAMES[1]):
            self.check(ipaddress.IPv4Address("127.0.0.1"), port)
        elif not name or len(name) > 253:
            raise Unreachable("host")

    def check_interface(self, text: str) -> None:
        """Unreachable unless devices may be looked for from this address of the machine's; its network is judged."""
        address = literal(text)
        if address is None:
            raise Unreachable("host")
        if why := self.refusal(address, 0, own=False):
            raise Unreachable(why)

    def check_url(self, url: str) -> None:
        """``check_host`` of an address with a scheme; ValueError when it is none."""
        parts = urlsplit(url)
        self.check_host(parts.hostname or "", parts.port or PORTS.get(parts.scheme.lower(), 0))

    def choose(self, found: Sequence[tuple[str, int]]) -> int:
        """Which of a name's addresses (text, port) is connected to: the first that may be; Unreachable when none is."""
        first = ""
        for place, (text, port) in enumerate(found):
            address = literal(text)
            why = "host" if address is None else self.refusal(address, port, own=is_own(address))
            if not why:
                return place
            first = first or why
        raise Unreachable(first or "host")


def _networks(said: object) -> tuple[Network, ...]:
    if not isinstance(said, Sequence) or isinstance(said, str) or len(said) > NETWORKS_MAX:
        raise BadReach("camera_networks", said)
    try:
        return tuple(ipaddress.ip_network(str(one)) for one in said)
    except ValueError as error:
        raise BadReach("camera_networks", error) from error


def is_own(address: Address) -> bool:
    """Is this an address of this machine? Asked of the kernel: only those can be bound."""
    inner = _inner(address)
    if inner.is_loopback:
        return True
    family = socket.AF_INET if inner.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((str(inner), 0))
    except OSError:
        return False
    return True


def _services(home: Home) -> tuple[frozenset[int], frozenset[tuple[str, int]]]:
    """The centre's own ports on this machine, and where its other services are: database, vaultd, object store."""
    config = home.config
    ports = {home.port + by for by in range(3)}
    if listens := config.get("vault_listen"):
        ports.add(int(listens["port"]))
    named: list[tuple[str, int]] = []
    if far := config.get("vaultd"):
        named.append((str(far["host"]), int(far["port"])))
    if given := os.environ.get("GWANJE_DATABASE_URL"):
        named += _database(conninfo_to_dict(given))
    if endpoint := (config.get("store") or {}).get("endpoint"):
        parts = urlsplit(str(endpoint))
        named.append((parts.hostname or "", parts.port or PORTS.get(parts.scheme, 443)))
    places = {(text, port) for host, port in named for text in _answers(host, port)}
    # a service of ours on this machine is ours under each of its addresses
    ports |= {port for text, port in places if (found := literal(text)) is not None and is_own(found)}
    return frozenset(ports), frozenset(places)


def _database(given: Mapping[str, Any]) -> list[tuple[str, int]]:
    hosts = [host for name in ("host", "hostaddr") for host in str(given.get(name) or "").split(",")]
    ports = [int(port) for port in str(given.get("port") or POSTGRES_PORT).split(",") if port.isdecimal()]
    return [(host, port) for host in hosts if host and not host.startswith("/") for port in ports or [POSTGRES_PORT]]


def _answers(host: str, port: int) -> Iterable[str]:
    found = literal(host)
    if found is not None:
        return {str(_inner(found))}
    try:
        return {str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError:
        # a name that nobody knows at the start is nobody's address yet
        return set()
