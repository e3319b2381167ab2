"""Public keys of cameras (카메라 공개키): those that an officer recorded, and those that only a stream carries.

A key is named by SHA-256 of its SubjectPublicKeyInfo (RFC 5280), in hexadecimal. ECDSA on the NIST curves over SHA-2,
RSASSA-PSS with MGF1 over SHA-256, as ONVIF Media Signing's reference does it; nothing else is verified.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

KEYS_MAX: Final = 8
RECORDED_MAX: Final = 4
PEM_MAX: Final = 64 * 1024
RSA_BITS: Final = range(2048, 4097)
CURVES: Final = ("secp256r1", "secp384r1", "secp521r1")
_ECDSA: Final = bytes.fromhex("06082a8648ce3d0403")
_PSS: Final = bytes.fromhex("06092a864886f70d01010a")
_SHA2: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
ECDSA_OIDS: Final = {_ECDSA + b"\2": "sha256", _ECDSA + b"\3": "sha384", _ECDSA + b"\4": "sha512"}


_BLOCK: Final = re.compile(r"-----BEGIN (CERTIFICATE|PUBLIC KEY)-----[A-Za-z0-9+/=\s]+-----END \1-----")


class BadKey(ValueError):
    """Text that is no public key of a kind that is verified; Korean and English."""

    def __init__(self) -> None:
        super().__init__(
            "공개키나 인증서(PEM, ECDSA P-256/384/521 또는 RSA 2048~4096)가 아닙니다 / "
            "no public key or certificate in PEM (ECDSA P-256/384/521 or RSA 2048 to 4096)"
        )


@dataclass(frozen=True)
class Key:
    """One public key; ``id``: SHA-256 of its SubjectPublicKeyInfo in hexadecimal, ``der``: that itself."""

    id: str
    der: bytes
    public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey

    @property
    def pem(self) -> str:
        """The key alone, as the register keeps it."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.public.public_bytes(serialization.Encoding.PEM, form).decode()

    def verifies(self, covered: bytes, signature: bytes, algorithm: str, scheme: bytes) -> bool:
        """Did this key sign these bytes? ``algorithm`` of hashlib; ``scheme``: OID in DER, or empty: by the key."""
        digest = _SHA2[algorithm]
        try:
            if isinstance(self.public, ec.EllipticCurvePublicKey):
                if scheme and ECDSA_OIDS.get(scheme) != algorithm:
                    return False
                self.public.verify(signature, covered, ec.ECDSA(digest))
                return True
            if algorithm != "sha256" or scheme not in (b"", _PSS):
                return False
            pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
            self.public.verify(signature, covered, pss, hashes.SHA256())
        except (InvalidSignature, ValueError):
            return False
        return True


def _key(public: object) -> Key:
    known = (isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name in CURVES) or (
        isinstance(public, rsa.RSAPublicKey) and public.key_size in RSA_BITS and public.public_numbers().e < 1 << 32
    )
    if not known:
        raise BadKey
    assert isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    der = public.public_bytes(serialization.Encoding.DER, form)
    return Key(hashlib.sha256(der).hexdigest(), der, public)


def read(pem: str | bytes) -> Key:
    """A public key, or the first certificate's, in PEM; BadKey. What stands behind the first object is not read."""
    data = pem.encode() if isinstance(pem, str) else pem
    if len(data) > PEM_MAX:
        raise BadKey
    try:
        if b"-----BEGIN CERTIFICATE-----" in data:
            return _key(x509.load_pem_x509_certificate(data).public_key())
        return _key(serialization.load_pem_public_key(data))
    except (ValueError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise BadKey from error


def of_der(der: bytes) -> Key:
    """A key from its SubjectPublicKeyInfo; BadKey."""
    try:
        return _key(serialization.load_der_public_key(der))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadKey from error


def read_all(text: str) -> list[Key]:
    """The keys of a text of certificates and public keys in PEM, each once, at most 4; BadKey when there is anything
    else in it (a private key, words), which is not repeated."""
    blocks = [match.group() for match in _BLOCK.finditer(text)]
    if len(text) > PEM_MAX or _BLOCK.sub("", text).strip() or len(blocks) > RECORDED_MAX:
        raise BadKey
    return list({key.id: key for key in map(read, blocks)}.values())


def registered(pems: Iterable[str]) -> tuple[Key, ...]:
    """Keys as the register of cameras keeps them (at most 8); BadKey."""
    return tuple(read(pem) for pem in list(pems)[:KEYS_MAX])
