"""XML of devices (장치 응답 해석): read leniently, bounded, without entities, without network; SOAP 1.2 envelopes.

A camera's markup may be wrong and its namespaces mistaken, so names are compared without their namespace and a torn
document gives what could be read. A document type is refused before anything is read: no device needs one, and every
entity attack does.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from lxml import etree  # type: ignore[import-untyped]  # no stubs are published with it

BYTES_MAX = 1 << 20
NODES_MAX = 20_000
DEPTH_MAX = 60
TEXT_MAX = 200

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DIGEST = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#PasswordDigest"
BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
NAMESPACES = {
    "tt": "http://www.onvif.org/ver10/schema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "tptz": "http://www.onvif.org/ver20/ptz/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
}


class BadXml(ValueError):
    """The bytes are no document that is read here; the message names the limit, never the content."""


def clean(text: str, most: int = TEXT_MAX) -> str:
    """A device's text as data: one line, no control or direction characters, at most ``most`` characters."""
    kept = "".join(" " if c.isspace() else c for c in text[: 4 * most])
    kept = "".join(c for c in kept if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return " ".join(kept.split())[:most]


@dataclass(frozen=True, slots=True)
class Node:
    """One element: its local name, attributes by local name, its own text, its children."""

    name: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: tuple[Node, ...] = ()

    def all(self, name: str) -> list[Node]:
        """Children of a name."""
        return [child for child in self.children if child.name == name]

    def at(self, *path: str) -> Node | None:
        """The first element along a path of names."""
        here: Node | None = self
        for name in path:
            here = next((c for c in here.children if c.name == name), None) if here else None
        return here

    def said(self, *path: str, most: int = TEXT_MAX) -> str:
        """Cleaned text at a path, empty when there is none."""
        found = self.at(*path)
        return clean(found.text, most) if found else ""

    def attribute(self, name: str, most: int = TEXT_MAX) -> str:
        """A cleaned attribute, empty when there is none."""
        return clean(self.attributes.get(name, ""), most)

    def number(self, *path: str) -> float | None:
        """A number at a path, None when there is none or it is not finite."""
        return number(self.said(*path))

    def whole(self, *path: str, most: int = 1 << 31) -> int | None:
        """A whole number from 0 to ``most`` at a path."""
        value = self.number(*path)
        return int(value) if value is not None and 0 <= value <= most else None

    def walk(self) -> Iterator[Node]:
        """This element and all below it, in document order."""
        rest = [self]
        while rest:
            here = rest.pop()
            yield here
            rest.extend(reversed(here.children))

    def find(self, name: str) -> Node | None:
        """The first element of a name anywhere below."""
        return next((node for node in self.walk() if node.name == name), None)


def number(text: str) -> float | None:
    """A finite number from a device's text, else None."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if -1e18 < value < 1e18 else None


def parse(data: bytes) -> Node:
    """Read a document: at most 1 MiB, 20,000 elements, 60 deep, no document type. BadXml else."""
    if len(data) > BYTES_MAX:
        raise BadXml(f"the answer passes {BYTES_MAX} bytes")
    if b"\0" in data[:4096] or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise BadXml("a document type or another encoding than UTF-8 is not read")
    data, encoding = _undeclared(data.strip())
    parser = etree.XMLParser(
        encoding=encoding, recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True, strip_cdata=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except (etree.LxmlError, ValueError) as error:
        raise BadXml("the answer is no XML") from error
    if root is None:
        raise BadXml("the answer is no XML")
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadXml("a document type is not read")
    return _node(root, [NODES_MAX], 0)


def _undeclared(data: bytes) -> tuple[bytes, str | None]:
    """UTF-8 is UTF-8, whatever the declaration says; only other bytes are read as they are declared."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return data, None
    end = data.find(b"?>", 0, 200)
    return (data[end + 2 :].lstrip() if data.startswith(b"<?xml") and end > 0 else data), "utf-8"


def _node(element: etree._Element, budget: list[int], depth: int) -> Node:
    budget[0] -= 1
    if budget[0] < 0 or depth > DEPTH_MAX:
        raise BadXml("the answer has too many elements")
    # entity references that were not resolved are nodes without a name
    inner = tuple(_node(child, budget, depth + 1) for child in element if isinstance(child.tag, str))
    attributes = {_local(str(key)): str(value) for key, value in element.attrib.items()}
    return Node(_local(element.tag), element.text or "", attributes, inner)


def _local(name: str) -> str:
    return name.rpartition("}")[2].rpartition(":")[2]


def envelope(body: str, header: str = "") -> bytes:
    """A SOAP 1.2 message around a body whose prefixes are those of ``NAMESPACES``."""
    names = "".join(f" xmlns:{prefix}={quoteattr(uri)}" for prefix, uri in NAMESPACES.items())
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP}" xmlns:wsa="{WSA}"{names}>'
        f"<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
    return text.encode()


def tag(name: str, value: object) -> str:
    """``<name>value</name>``, escaped."""
    return f"<{name}>{escape(str(value))}</{name}>"


def quoted(value: str) -> str:
    """An attribute's value with its quotes, escaped."""
    return quoteattr(value)
