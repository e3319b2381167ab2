"""What an object client does not ask of a bucket (버킷 점검): versions and half uploads. AWS Signature Version 4."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import ipaddress
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

from lxml import etree  # type: ignore[import-untyped]  # no stubs are published with it

from gwanje.kernel.clock import Clock
from gwanje.vault.store import StoreAway, StoreRefused

ANSWER_MAX: Final = 16 << 20
PAGES_MAX: Final = 10_000
TIMEOUT_S: Final = 10.0
_EMPTY: Final = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True)
class S3Settings:
    """Where the bucket is, and the account; the account is in no text of this object."""

    endpoint: str
    bucket: str
    region: str
    prefix: str
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)

    def check(self) -> None:
        """StoreRefused when an account would travel in plain, or an account stands in the address."""
        parts = urlsplit(self.endpoint)
        if parts.username or parts.password or not parts.hostname or not self.bucket:
            raise StoreRefused("store_settings", "endpoint")
        if parts.scheme == "https":
            return
        if parts.scheme != "http" or not _loopback(parts.hostname):
            raise StoreRefused("store_plain", parts.hostname)


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Bucket:
    """One bucket's own settings; few calls, each a connection of its own."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._clock = Clock()

    def versioning(self) -> str:
        """'' when it was never on; else ``Enabled`` or ``Suspended``."""
        found = self._xml("GET", "", {"versioning": ""})
        return next((e.text or "" for e in found.iter("{*}Status")), "")

    def delete_versions(self, prefix: str) -> int:
        """Delete every version and every mark of deletion under a prefix; returns how many."""
        count = 0
        for _ in range(PAGES_MAX):
            page = self._xml("GET", "", {"versions": "", "prefix": prefix, "max-keys": "500"})
            found = [*page.iter("{*}Version"), *page.iter("{*}DeleteMarker")]
            if not found:
                return count
            for one in found:
                key, version = one.findtext("{*}Key") or "", one.findtext("{*}VersionId") or "null"
                self._call("DELETE", key, {"versionId": version})
                count += 1
        raise StoreAway("delete: too many versions")

    def uploads(self, prefix: str) -> Iterator[tuple[str, str]]:
        """(key, id) of uploads that were begun and not ended, at most 1000."""
        page = self._xml("GET", "", {"uploads": "", "prefix": prefix})
        for one in page.iter("{*}Upload"):
            yield one.findtext("{*}Key") or "", one.findtext("{*}UploadId") or ""

    def abort_uploads(self, prefix: str) -> int:
        """Drop half uploads under a prefix: their pieces are in no list; returns how many."""
        count = 0
        for _ in range(PAGES_MAX):
            found = list(self.uploads(prefix))
            if not found:
                return count
            for key, upload in found:
                self.abort(key, upload)
                count += 1
        raise StoreAway("abort: too many uploads")

    def abort(self, key: str, upload: str) -> None:
        """Drop one half upload."""
        self._call("DELETE", key, {"uploadId": upload})

    def _xml(self, method: str, key: str, query: dict[str, str]) -> Any:
        # answers come from the network: no entity, no other document, no endless tree
        reader = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
        try:
            return etree.fromstring(self._call(method, key, query), reader)
        except etree.XMLSyntaxError:
            raise StoreAway("the object store's answer is no XML") from None

    def _call(self, method: str, key: str, query: dict[str, str]) -> bytes:
        settings = self._settings
        parts = urlsplit(settings.endpoint)
        path = quote(f"{parts.path.rstrip('/')}/{settings.bucket}" + (f"/{key}" if key else ""), safe="/-_.~")
        asked = "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(query.items()))
        host = parts.netloc
        headers = self._signed(method, host, path, asked)
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            connection = http.client.HTTPSConnection(host, timeout=TIMEOUT_S, context=ssl.create_default_context())
        else:
            connection = http.client.HTTPConnection(host, timeout=TIMEOUT_S)
        try:
            connection.request(method, f"{path}?{asked}", headers=headers)
            answer = connection.getresponse()
            body = answer.read(ANSWER_MAX)
        except (OSError, http.client.HTTPException) as error:
            raise StoreAway(f"{method.lower()}: {type(error).__name__}") from None
        finally:
            connection.close()
        if answer.status == 404 and method == "GET":
            raise StoreRefused("store_bucket", settings.bucket)
        if answer.status >= 300 and answer.status != 404:
            raise StoreAway(f"{method.lower()}: status {answer.status}")
        return body

    def _signed(self, method: str, host: str, path: str, query: str) -> dict[str, str]:
        settings = self._settings
        stamp = f"{self._clock.now():%Y%m%dT%H%M%SZ}"
        day = stamp[:8]
        names = "host;x-amz-content-sha256;x-amz-date"
        lines = f"host:{host}\nx-amz-content-sha256:{_EMPTY}\nx-amz-date:{stamp}\n"
        canonical = f"{method}\n{path}\n{query}\n{lines}\n{names}\n{_EMPTY}"
        scope = f"{day}/{settings.region}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{settings.secret_key}".encode()
        for word in (day, settings.region, "s3", "aws4_request"):
            key = hmac.digest(key, word.encode(), "sha256")
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        return {
            "x-amz-date": stamp,
            "x-amz-content-sha256": _EMPTY,
            "Authorization": f"AWS4-HMAC-SHA256 Credential={settings.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}",
        }
