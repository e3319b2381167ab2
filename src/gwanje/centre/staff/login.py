"""Log-in (로그인): account and password, a registered station, five tries in fifteen minutes."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.http import HttpRequest

from gwanje.centre.common import clock, cursor
from gwanje.centre.staff.models import LoginTry, Person
from gwanje.kernel import ledger
from gwanje.kernel.ledger import Entry

TRIES_MAX = 5
WINDOW = timedelta(minutes=15)
ACCOUNT_MAX = 40
_nobody: list[str] = []


class AccountBackend(BaseBackend):
    """Django's authentication by ``Person``; a closed account is nobody."""

    def authenticate(
        self, request: HttpRequest | None, account: str | None = None, password: str | None = None, **_: object
    ) -> Person | None:
        """The person, or None; an unknown account costs as much time as a wrong password."""
        person = Person.objects.filter(account=(account or "")[:ACCOUNT_MAX], active=True).first()
        if person is None:
            if not _nobody:
                _nobody.append(make_password("nobody's password"))
            check_password(password or "", _nobody[0])
            return None
        return person if person.check_password(password or "") else None

    def get_user(self, user_id: UUID) -> Person | None:
        """The person of a session while the account is open."""
        return Person.objects.filter(pk=user_id, active=True).select_related("agency").first()


def locked_until(account: str, address: str) -> datetime | None:
    """When the next try is allowed, or None when it is allowed now."""
    row = LoginTry.objects.filter(account=account[:ACCOUNT_MAX], address=address).first()
    if row is None or row.locked_until is None or row.locked_until <= clock().now():
        return None
    return row.locked_until


def failed(account: str, address: str) -> None:
    """Count one failure; the fifth within fifteen minutes locks this account name for this address."""
    now = clock().now()
    row, _ = LoginTry.objects.select_for_update().get_or_create(
        account=account[:ACCOUNT_MAX], address=address, defaults={"first_at": now}
    )
    if row.first_at + WINDOW <= now or (row.locked_until and row.locked_until <= now):
        row.failures, row.first_at, row.locked_until = 0, now, None
    row.failures += 1
    ledger.count_refusal(cursor(), clock(), "staff.login.refused", address)
    if row.failures >= TRIES_MAX and row.locked_until is None:
        row.locked_until = now + WINDOW
        person = Person.objects.filter(account=row.account).first()
        detail = {"address": address, "failures": row.failures}
        ledger.append(
            cursor(),
            clock(),
            Entry(
                "staff.login.locked",
                "refused",
                actor=person.pk if person else None,
                agency=person.agency_id if person else None,
                norms=("access.least",),
                detail=detail,
                dies="access",
            ),
        )
    row.save()


def succeeded(account: str, address: str) -> None:
    """Forget the failures of this account at this address."""
    LoginTry.objects.filter(account=account[:ACCOUNT_MAX], address=address).delete()
