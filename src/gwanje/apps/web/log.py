"""The published ledger (공개 관리대장): C2SP tlog-tiles under ``/log/``, and the box for a witness's cosignature.

Files only, no database: it answers while PostgreSQL is away. ``log_public: false`` in config.json closes it.
"""

from __future__ import annotations

from typing import cast

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from gwanje.apps.outside import keep
from gwanje.centre.common import home
from gwanje.kernel.footage import Cursor
from gwanje.kernel.ledger import cosign, note, tiles
from gwanje.kernel.ledger.publish import folder, witnesses
from gwanje.kernel.rls import set_scope

FOREVER = "public, max-age=31536000, immutable"
SECONDS = "public, max-age=2"
TEXT = "text/plain; charset=utf-8"


def _plain(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, status=status, content_type=TEXT)


@require_safe
@transaction.non_atomic_requests
def published(request: HttpRequest, path: str) -> HttpResponse:
    """A tile, an entry bundle or the checkpoint; 404 for anything else."""
    if not tiles.PATH.fullmatch(path) or not home().config.get("log_public", True):
        return _plain(404, "not found\n")
    try:
        data = (folder(home()) / path).read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return _plain(404, "not found\n")
    mutable = path == tiles.CHECKPOINT
    response = HttpResponse(data, content_type=TEXT if mutable else "application/octet-stream")
    response.headers["Cache-Control"] = SECONDS if mutable else FOREVER
    return response


@csrf_exempt
@require_POST
@transaction.non_atomic_requests
def cosignature(request: HttpRequest) -> HttpResponse:
    """A checkpoint of ours that a witness named in config.json has cosigned; 200 when it is kept.

    Nobody signs in for it: the signature is what counts, and only a known witness's, over a checkpoint that stands.
    """
    if len(request.body) > note.NOTE_MAX or not home().config.get("log_public", True):
        return _plain(404, "not found\n")
    try:
        signed = request.body.decode()
        said = note.parse(signed)[0]
        signers = [key for key, _ in witnesses(home()) if cosign.cosigned_at(signed, key) is not None]
    except (note.BadNote, UnicodeDecodeError) as error:
        return _plain(400, f"읽을 수 없는 서명입니다 / not a cosigned checkpoint: {error}\n")
    if not signers:
        return _plain(403, "설정된 증인의 서명이 없습니다 / not signed by a witness of this centre\n")
    with transaction.atomic():
        cursor = cast(Cursor, connection.cursor())
        set_scope(cursor, "system")
        cursor.execute("select root from ledger_checkpoint where size = %s", [said.size])
        found = cursor.fetchone()
        if found is None or bytes(found[0]) != said.root:
            return _plain(409, "이 대장의 검증 지점이 아닙니다 / not a checkpoint of this ledger\n")
        for key in signers:
            keep(cursor, key, said.size, signed)
    return _plain(200, "ok\n")
