"""What playback owes (전화 승인의 서면 확인기한 찾기): vaultd has the duty, the legal calendar says the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gwanje.centre.common import clock, home, law
from gwanje.centre.duties import api as owing
from gwanje.centre.duties.api import Met, Owed
from gwanje.centre.playback.spoken import open_of
from gwanje.vault.client import VaultAway, VaultClient

KIND, SUBJECT, NORM = "playback.confirm", "approval", "playback.approval"


def confirmations(now: datetime) -> Iterator[Owed | Met]:
    """Spoken approvals that are not confirmed in writing, and those that vaultd does not wait for any more."""
    client = VaultClient(home(), "worker")
    try:
        # the soonest first: a code that was used twice keeps the earlier term
        waiting: dict[str, Any] = {}
        for one in open_of(client.signing().duties):
            waiting.setdefault(str(one.approval.pk), one)
    except VaultAway:
        # what vaultd waits for is unknown: nothing is owed anew and nothing done, and the next minute asks again
        return
    finally:
        client.close()
    for row in owing.standing(KIND):
        if row.subject not in waiting:
            yield Met(KIND, SUBJECT, row.subject, now)
    today = law()
    if not today.has(NORM):
        return
    for id_, one in waiting.items():
        used, by = one.used.astimezone(clock().zone), one.by.astimezone(clock().zone)
        basis = (
            f"승인코드를 쓴 {used:%Y-%m-%d %H:%M}의 다음 근무일: {by:%Y-%m-%d %H:%M}까지",
            f"the working day after the code was used at {used:%Y-%m-%d %H:%M}: by {by:%Y-%m-%d %H:%M}",
        )
        duty = today.duty(
            KIND, NORM, starts_on=used.date(), due_on=by.date(), owner_role="manager", basis=basis, due_at=by,
            starts_at=used,
        )  # fmt: skip
        yield Owed(
            duty, one.request.agency_id, SUBJECT, id_, f"전화 승인의 서면 확인: {one.request.case}",
            f"Written confirmation of a spoken approval: {one.request.case}", person=one.approval.person_id,
            hand=False, href="/playback/",
        )  # fmt: skip


SCANS = {"confirmations": confirmations}
