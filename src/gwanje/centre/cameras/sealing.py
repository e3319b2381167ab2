"""Sealing of device accounts (접속 계정 봉인): to the recorders that vaultd has admitted, and to no other.

Whoever can write rows can register a recorder; what counts is the list of keys in vaultd's keystore, and the
recorder's own signature over its sealing key.
"""

from __future__ import annotations

import base64
from uuid import UUID

from gwanje.centre.common import cursor, home
from gwanje.centre.common.refusal import Problem
from gwanje.kernel import accounts
from gwanje.vault.client import VaultClient
from gwanje.vault.sealed import seal_to

SECRET_MAX = 200


def sealed_account(camera: UUID, user: str, password: str, *urls: str) -> dict[str, str]:
    """Recorder id to the account sealed to it (base64), bound to the hosts of the camera's addresses.

    Problem, or VaultAway when nobody can say who is admitted.
    """
    if not user and not password:
        return {}
    if len(user) > SECRET_MAX or len(password) > SECRET_MAX or ":" in user:
        raise Problem(
            "credentials",
            "접속 계정의 글자 수나 모양이 맞지 않습니다.",
            "The device account is too long or has a colon.",
        )
    found = accounts.registered(cursor())
    if not found:
        raise Problem(
            "no_recorder",
            "등록된 녹화기가 없어 접속 계정을 봉인할 수 없습니다.",
            "No recorder is registered, so the device account cannot be sealed.",
            next_="녹화 프로세스를 먼저 시작하십시오. / Start a recorder first.",
        )
    with_keys = frozenset(VaultClient(home(), "web").recorders())
    admitted = [one for one in found if not accounts.refusal(one, with_keys)]
    if not admitted:
        raise Problem(
            "no_admitted_recorder",
            f"등록된 녹화기 {len(found)}대 가운데 승인된 것이 없어 접속 계정을 봉인할 수 없습니다.",
            f"None of the {len(found)} registered recorders is admitted, so the device account cannot be sealed.",
            next_="두 담당공무원이 녹화기를 승인한 뒤(gwanje vault admit) 녹화기를 다시 시작하십시오.",
            next_en="Two officers have to admit a recorder (gwanje vault admit); then start it again.",
        )
    secret = accounts.account(user, password, accounts.hosts_of(*urls))
    return {str(one.id): base64.b64encode(seal_to(one.sealing_key, secret, camera.bytes)).decode() for one in admitted}
