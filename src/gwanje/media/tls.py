"""Trust in a device's certificate (기기 인증서 확인): a pinned fingerprint or the centre's own CA, and nothing else.

Public certificate authorities say nothing about a camera in a street, so they are not asked. What is trusted stands in
the source's ``device["tls"]``: ``{"fingerprint": SHA-256 in hex}`` or ``{"ca": PEM text}``.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PEM_MAX = 16 * 1024
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class NotTrusted(ConnectionError):
    """The device's certificate is not the one that was recorded, or none was recorded."""


@dataclass(frozen=True)
class Trust:
    """``fingerprint``: SHA-256 of the DER certificate, lower-case hex without colons; or ``ca``: PEM of the CA."""

    fingerprint: str = ""
    ca: str = ""

    @classmethod
    def of(cls, said: object) -> Trust:
        """From ``device["tls"]``; ValueError when it is neither a fingerprint nor a CA."""
        if not said:
            return cls()
        if not isinstance(said, Mapping) or set(said) - {"fingerprint", "ca"}:
            raise ValueError("tls is {fingerprint} or {ca}")
        fingerprint = str(said.get("fingerprint") or "").replace(":", "").replace(" ", "").lower()
        authority = str(said.get("ca") or "")
        if fingerprint and not _FINGERPRINT.fullmatch(fingerprint):
            raise ValueError("a fingerprint is SHA-256: 64 hexadecimal digits")
        if len(authority) > PEM_MAX or (authority and "-----BEGIN CERTIFICATE-----" not in authority):
            raise ValueError("a CA is a PEM certificate of at most 16 KB")
        return cls(fingerprint, authority)

    def context(self) -> ssl.SSLContext:
        """A client context, TLS 1.2 or newer; NotTrusted when nothing is recorded or the CA cannot be read."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not self.ca:
            # the fingerprint takes the place of names and dates; without one the connection ends in ``check``
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context
        try:
            context.load_verify_locations(cadata=self.ca)
        except (ssl.SSLError, ValueError) as error:
            raise NotTrusted("the recorded CA certificate cannot be read") from error
        return context

    def check(self, sock: ssl.SSLSocket) -> None:
        """After the handshake and before anything is sent; NotTrusted names the certificate that was shown."""
        shown = hashlib.sha256(sock.getpeercert(binary_form=True) or b"").hexdigest()
        if self.ca and not self.fingerprint:
            return
        if not self.fingerprint:
            raise NotTrusted(f"no certificate is recorded for this camera; it shows SHA-256 {shown}")
        if not hmac.compare_digest(shown, self.fingerprint):
            raise NotTrusted(f"the camera's certificate is not the recorded one; it shows SHA-256 {shown}")


def reason(error: ssl.SSLError) -> str:
    """A TLS failure in words without an address."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not trusted: {error.verify_message}"
    return f"TLS failed: {error.reason or type(error).__name__}"


def trust_of(device: Mapping[str, Any]) -> Trust:
    """What a source's ``device`` says; NotTrusted when it cannot be read."""
    try:
        return Trust.of(device.get("tls"))
    except ValueError as error:
        raise NotTrusted(str(error)) from error
