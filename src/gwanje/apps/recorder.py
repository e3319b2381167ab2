"""The recorder's process (녹화 서비스 실행): hardens itself, joins media with vaultd, PostgreSQL and the web's key."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

import psycopg

from gwanje.apps.hardening import harden
from gwanje.kernel import accounts, keys, refusals
from gwanje.kernel.cose import key_id
from gwanje.kernel.database import connect, dsn
from gwanje.kernel.footage import Cursor
from gwanje.kernel.home import Home
from gwanje.kernel.hosts import named_origins
from gwanje.kernel.ledger.entry import BadEntry
from gwanje.kernel.reach import Reach
from gwanje.kernel.sources import Source
from gwanje.media import outward, registration
from gwanje.media.admission import Admission
from gwanje.media.auth import Credentials
from gwanje.media.device_events import DeviceEvents
from gwanje.media.devices import DeviceDesk
from gwanje.media.fleet import credentials_of
from gwanje.media.recorder import Recorder
from gwanje.media.segments import Settings
from gwanje.vault import sealed
from gwanje.vault.client import AsyncVaultClient

EXIT_FAILED, EXIT_REFUSED = 70, 78
log = logging.getLogger("gwanje.recorder")


def settings(home: Home) -> Settings:
    """From the folder's config: ``segment_seconds`` (300), ``index_progress_seconds`` (10; 0 = at close only)."""
    writer = key_id(keys.raw_public(keys.signing_key(home, "recorder", create=True)))
    return Settings(
        home.store,
        home.centre,
        writer,
        segment_s=int(home.config.get("segment_seconds", 300)),
        progress_s=int(home.config.get("index_progress_seconds", 10)),
    )


class Desk:
    """What the media plane asks the house for: credentials, the web's key, a place for refusals."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.recorder = registration.recorder_id(home)
        self._key = keys.sealing_key(home, "recorder", create=True)

    def unseal(self, source: Source) -> Credentials | None:
        """The camera's account, or None when it needs none; VaultError or ValueError when it does not open.

        Or was typed for another host than the source names now (AccountOfAnotherHost).
        """
        box = source.sealed_for(self.recorder)
        urls = (source.main_url, source.sub_url, str(source.device.get("onvif") or ""))
        return self._opened(box, source.camera, *urls) if box else None

    def open_account(self, box: bytes, camera: UUID, url: str) -> Credentials:
        """An account sealed with a device task, for its address; VaultError or ValueError when it does not open."""
        return self._opened(box, camera, url)

    def _opened(self, box: bytes, camera: UUID, *urls: str) -> Credentials:
        secret = sealed.unseal(self._key, box, camera.bytes)
        accounts.check_hosts(secret, accounts.hosts_of(*urls))
        return credentials_of(secret)

    def reseal(self, box: bytes, camera: UUID, sealing_key: bytes) -> bytes:
        """A camera's account for another recorder; VaultError when it does not open here."""
        return sealed.seal_to(sealing_key, sealed.unseal(self._key, box, camera.bytes), camera.bytes)

    def devices(self, home: Home) -> DeviceDesk:
        """Who does device tasks."""
        return DeviceDesk(self.connect, self.recorder, home.clock, self.open_account)

    def web_key(self) -> bytes:
        """The web's Ed25519 key; FileNotFoundError before the web has published it."""
        return keys.public_key(self._home, "web")

    def report(self, kind: str, detail: dict[str, Any]) -> None:
        """A fact for the ledger; a full spool is said in the log."""
        try:
            refusals.report(self._home, kind, detail, service="recorder")
        except (refusals.SpoolFull, BadEntry, OSError) as error:
            log.error("a refusal could not be spooled: %s", error)

    def tell(self, kind: str, detail: dict[str, Any]) -> None:
        """A fact without which the act must not be; SpoolFull or BadEntry."""
        refusals.report(self._home, kind, detail, service="recorder")

    def register(self, cursor: Cursor) -> None:
        """Show that this recorder lives."""
        registration.register(self._home, cursor, seen=True)

    def connect(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        """A connection with the system's scope."""
        return connect(self._home)


async def serve(home: Home) -> int:
    """Record until SIGTERM or SIGINT; 70 when a loop that must not end has ended."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    desk = Desk(home)
    vault = AsyncVaultClient(home, "recorder")
    recorder = Recorder(
        settings=settings(home), clock=home.clock, lender=vault, spool=home.index_spool, unseal=desk.unseal,
        inspect=bool(home.config.get("inspection", True)),
    )  # fmt: skip
    await recorder.start()
    await recorder.serve(
        port=home.port + 1, web_port=home.port, web_key=desk.web_key, report=desk.report,
        transcodes_max=int(home.config.get("transcodes_max", 8)), origins=named_origins(home),
    )  # fmt: skip
    if home.config.get("fleet"):
        recorder.lease(desk.connect, home.index_spool / "sources.json", desk.register, desk.recorder)
    else:
        recorder.connect(desk.connect, home.index_spool / "sources.json", desk.register)
    devices = desk.devices(home)
    if recorder.inspector is not None:
        devices.told_clock = recorder.inspector.told_clock
    devices.start()
    happen = DeviceEvents(
        sources=lambda: [camera.source for camera in recorder.fleet.cameras.values()], unseal=desk.unseal,
        clock=home.clock, put=devices.put,
    )  # fmt: skip
    beside = [loop.create_task(happen.run())]
    if home.config.get("fleet"):
        admission = Admission(desk.connect, desk.recorder, vault, desk.reseal, desk.tell)
        beside.append(loop.create_task(admission.run()))
    stopped = loop.create_task(stop.wait())
    ends: set[asyncio.Future[Any]] = {stopped, recorder.failed}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    failed = recorder.failed.done()
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    await asyncio.to_thread(devices.stop)
    await recorder.stop()
    await vault.close()
    log.info("stopped: %d parts, %d segments", recorder.sealer.counters.parts, recorder.sealer.counters.segments)
    return EXIT_FAILED if failed else 0


def run(home: Home) -> int:
    """The whole process."""
    harden()
    try:
        outward.govern(Reach.of(home))
        with contextlib.suppress(OSError):
            dsn(home)
    except ValueError as error:
        log.critical("%s", error)
        return EXIT_REFUSED
    return asyncio.run(serve(home))
