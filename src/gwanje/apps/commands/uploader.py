"""``gwanje uploader``: takes closed segment files to the object store (영상 이관)."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gwanje.kernel.home import Home


def register(sub: Any) -> None:
    """Add the command."""
    command = sub.add_parser("uploader", help="객체 저장소로 이관 / takes closed segment files to the object store")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Until SIGTERM; 78 when the folder has no object store, its account lies open, or another uploader runs."""
    from gwanje.apps.hardening import harden
    from gwanje.kernel.home import Home
    from gwanje.media.uploader import Uploader
    from gwanje.vault.store import StoreRefused
    from gwanje.vault.store_s3 import S3Shelf, settings_of

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    harden()
    home = Home.find(args.data)
    log = logging.getLogger("gwanje.uploader")
    try:
        settings = settings_of(home)
    except StoreRefused as refused:
        log.critical("%s", refused)
        return 78
    if settings is None:
        log.critical("객체 저장소가 정해지지 않았습니다 (gwanje store s3) / no object store is set")
        return 78
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    uploader = Uploader(home.store, S3Shelf(settings, home.store), lambda kind, body: alarm(home, kind, body))
    try:
        uploader.run(stop)
    except BlockingIOError:
        log.critical("이 폴더에서 이미 이관 중입니다 / another uploader runs on this folder")
        return 78
    return 0


def alarm(home: Home, kind: str, body: dict[str, Any]) -> None:
    """An alarm for whoever is on duty, once an hour; while PostgreSQL is away it stands in the log only."""
    import psycopg

    from gwanje.kernel import events
    from gwanje.kernel.database import connect

    log = logging.getLogger("gwanje.uploader")
    log.error("%s: %s", kind, body)
    try:
        with connect(home) as connection, connection.transaction(), connection.cursor() as cursor:
            since = home.clock.now() - timedelta(hours=1)
            cursor.execute("select 1 from event where kind = %s and at > %s limit 1", [kind, since])
            if cursor.fetchone() is None:
                events.emit(cursor, home.clock, events.Event(kind, "uploader", severity=3, body=body))
    except (psycopg.Error, OSError) as error:
        log.error("the alarm waits for PostgreSQL: %s", type(error).__name__)
