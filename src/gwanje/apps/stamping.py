"""Time stamps (시점확인) of RFC 3161 over checkpoints: an outside clock says that a note existed at a moment."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from gwanje.apps import fetch

TOKEN_MAX = 64 * 1024
HEADERS = {"content-type": "application/timestamp-query", "accept": "application/timestamp-reply"}


class BadStamp(ValueError):
    """The answer is no time stamp of this data by an authority that is trusted here."""


def roots_of(file: str) -> list[Certificate]:
    """Root certificates of the authority, PEM; BadStamp when the file has none."""
    try:
        return load_pem_x509_certificates(Path(file).read_bytes())
    except (OSError, ValueError) as error:
        raise BadStamp(f"시점확인 기관의 루트 인증서가 없습니다 / no root certificate (tsa_roots): {error}") from error


def stamp(url: str, data: bytes, roots: list[Certificate]) -> bytes:
    """Ask an authority for a time stamp of SHA-256(data); returns its whole answer (TimeStampResp, DER), verified.

    fetch.Unreachable when it does not answer, BadStamp when what it answers does not verify.
    """
    request = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    status, answer = fetch.ask(url, request.as_bytes(), HEADERS)
    if status != 200:
        raise fetch.Unreachable(f"status {status}")
    verify(answer, data, roots, nonce=request.nonce)
    return answer


def verify(answer: bytes, data: bytes, roots: list[Certificate], nonce: int | None = None) -> datetime:
    """The moment that the authority names; BadStamp unless chain, data and nonce fit."""
    if len(answer) > TOKEN_MAX:
        raise BadStamp("시점확인 응답이 너무 큽니다 / the time stamp is too large")
    try:
        said = decode_timestamp_response(answer)
        VerifierBuilder(roots=roots, nonce=nonce).build().verify_message(said, data)
        return said.tst_info.gen_time
    except (ValueError, VerificationError) as error:
        raise BadStamp(f"시점확인이 맞지 않습니다 / the time stamp does not verify: {error}") from error
