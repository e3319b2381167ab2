"""Replay of the three real cameras' answers (실제 기기 응답 재생): their bytes and statuses, by operation, over HTTP.

``shared/data/onvif/real`` beside the checkout holds one folder per device with ``index.csv``. When an operation was
asked several times (GetStreamUri, GetProfile …), the answers come in the order in which they were recorded, by token.
"""

from __future__ import annotations

import csv
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

REAL = Path(__file__).parents[4] / "shared" / "data" / "onvif" / "real"
_OPERATION = re.compile(rb"<s:Body><\w+:(\w+)")
_UNKNOWN = (
    b'<?xml version="1.0"?><e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><e:Fault><e:Code>'
    b"<e:Value>e:Sender</e:Value></e:Code><e:Reason><e:Text>not recorded</e:Text></e:Reason></e:Fault>"
    b"</e:Body></e:Envelope>"
)


class Replay:
    """One device on a port of its own; ``asked`` lists what was asked, ``bodies`` the requests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers: dict[str, list[tuple[int, bytes]]] = {}
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[bytes] = []
        with (folder / "index.csv").open() as file:
            for row in csv.DictReader(file):
                data = (folder / row["file"]).read_bytes()
                self.answers.setdefault(row["operation"], []).append((int(row["http_status"]), data))
        self._uris = 0
        replay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, data = replay.answer(self.path, body)
                self.send_response(status)
                self.send_header("Content-Type", "application/soap+xml; charset=utf-8")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/onvif/device_service"

    def answer(self, path: str, body: bytes) -> tuple[int, bytes]:
        found = _OPERATION.search(body)
        name = found[1].decode() if found else ""
        self.asked.append((path, name))
        self.bodies.append(body)
        if b"ver20/media/wsdl" in body and b"<tr2:" in body:
            # the recordings were made with Media only: what Media2 would have said is not known
            return 400, _UNKNOWN
        rows = self.answers.get(name)
        if not rows:
            return 400, _UNKNOWN
        if name == "GetStreamUri":
            self._uris += 1
            return rows[(self._uris - 1) % len(rows)]
        return rows[0]

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)
