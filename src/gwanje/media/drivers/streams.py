"""Driver ``rtsp`` (RTSP 드라이버): TCP, UDP and TLS, by our own handshake and readers."""

from __future__ import annotations

from gwanje.kernel.sources import Source
from gwanje.media import rtsp
from gwanje.media.auth import Credentials
from gwanje.media.drivers import address
from gwanje.media.drivers.feeds import Feed


class Rtsp:
    """The default: what nearly every camera of a city speaks."""

    async def open(self, source: Source, number: int, credentials: Credentials | None) -> Feed:
        """As ``gwanje.media.drivers.Driver``."""
        try:
            return await rtsp.play(address(source, number), credentials, source.device)
        except ValueError as error:
            raise ConnectionError(str(error)) from error
