"""TLS of a fleet (서비스 간 상호인증): version 1.3 both ways, no authority: each side trusts certificates it was given.

A certificate is self-signed by the service's own Ed25519 key and says nothing but that key; what is pinned is the key.
RFC 8446 (TLS 1.3), RFC 8410 (Ed25519 in certificates).
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from gwanje.kernel.cose import key_id
from gwanje.kernel.home import Home
from gwanje.kernel.keys import raw_public, signing_key
from gwanje.vault.errors import VaultError

SERVICE: Final = "vaultd"
CERTIFICATE_MAX: Final = 2048
# a pin is ended by taking it out, not by a date: the range is the one that X.509 can say
_FROM: Final = datetime(2020, 1, 1, tzinfo=UTC)
_UNTIL: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def certificate(key: Ed25519PrivateKey) -> bytes:
    """Self-signed certificate of a key (DER, about 250 bytes); the same key always gives the same bytes."""
    public = raw_public(key)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"gwanje {key_id(public).hex()}")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(key_id(public)) >> 1 or 1)
        .not_valid_before(_FROM)
        .not_valid_after(_UNTIL)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, None)
    )
    return made.public_bytes(Encoding.DER)


def certificate_of(home: Home, service: str) -> bytes:
    """A service's own certificate (DER)."""
    return certificate(signing_key(home, service, create=service == SERVICE))


@lru_cache(maxsize=2048)
def public_key(der: bytes) -> bytes:
    """The 32-byte Ed25519 key of a certificate; VaultError ``certificate`` when it is another kind of thing."""
    try:
        if len(der) > CERTIFICATE_MAX:
            raise ValueError("length")
        key = x509.load_der_x509_certificate(der).public_key()
        if not isinstance(key, Ed25519PublicKey):
            raise TypeError("not Ed25519")
    except (ValueError, TypeError) as error:
        raise VaultError("certificate", str(error)[:80]) from error
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def _context(protocol: int, key: Ed25519PrivateKey, trusted: Iterable[bytes]) -> ssl.SSLContext:
    made = ssl.SSLContext(protocol)
    made.minimum_version = made.maximum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    # the trusted certificates are themselves the ends of their chains
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    for der in trusted:
        try:
            made.load_verify_locations(cadata=der)
        except ssl.SSLError:
            # a token's module shares the library: what it left on this thread's list of faults is told here, once
            made.load_verify_locations(cadata=der)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    pem += ssl.DER_cert_to_PEM_cert(certificate(key)).encode()
    # the library reads keys from files only: a file in memory, gone at the end of the block
    handle = os.memfd_create("gwanje-tls", os.MFD_CLOEXEC)
    try:
        os.write(handle, pem)
        made.load_cert_chain(f"/proc/self/fd/{handle}")
    finally:
        os.close(handle)
    return made


def server_context(home: Home, trusted: Iterable[bytes]) -> ssl.SSLContext:
    """vaultd's side: a client must show one of the ``trusted`` certificates (DER)."""
    made = _context(ssl.PROTOCOL_TLS_SERVER, signing_key(home, SERVICE, create=True), trusted)
    # a session that is resumed would not show its certificate again
    made.num_tickets = 0
    return made


def client_context(home: Home, service: str, vaultd: bytes) -> ssl.SSLContext:
    """A service's side: only the holder of the ``vaultd`` certificate (DER) is vaultd."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, signing_key(home, service), [vaultd])


def peer_key(connection: ssl.SSLObject | ssl.SSLSocket | None) -> bytes:
    """The 32-byte key that the other side has proved to hold; VaultError when there is none."""
    der = connection.getpeercert(binary_form=True) if connection is not None else None
    if not der:
        raise VaultError("certificate", "none")
    return public_key(der)
