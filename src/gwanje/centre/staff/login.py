"""Log-in (로그인): account and password, a registered station, five tries in fifteen minutes.

Five from one network (an IPv6 /64 is one), and fifty for one account from all of them together, lock it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import check_password, make_password
from django.db.models import Min, Sum
from django.http import HttpRequest
from django.utils.translation import get_language

from gwanje.centre.common import clock, cursor, home, law
from gwanje.centre.staff import rules_posts
from gwanje.centre.staff.models import LoginTry, Person, Station
from gwanje.kernel import ledger
from gwanje.kernel.actor import Actor
from gwanje.kernel.canonical import nfc
from gwanje.kernel.ledger import Entry

TRIES_MAX = 5
TRIES_ALL_MAX = 50
WINDOW = timedelta(minutes=15)
ANYWHERE = ("0.0.0.0/0", "::/0")  # tidy: networks that may sign in, no listener
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


def name_of(text: str) -> str:
    """An account's name as accounts are written, so that no other spelling has tries of its own."""
    return nfc(text.strip()).lower()[:ACCOUNT_MAX]


def network_of(address: str) -> str:
    """Where tries are counted: an IPv4 address, or the /64 that one IPv6 host owns."""
    try:
        known = ip_address(address)
    except ValueError:
        return address[:64]
    if not isinstance(known, IPv6Address):
        return str(known)
    return str(known.ipv4_mapped or ip_network((known, 64), strict=False))


def locked_until(account: str, address: str) -> datetime | None:
    """When the next try is allowed, or None when it is allowed now."""
    now = clock().now()
    tries = LoginTry.objects.filter(account=account[:ACCOUNT_MAX], first_at__gt=now - WINDOW)
    all_ = tries.aggregate(failures=Sum("failures"), first=Min("first_at"))
    if (all_["failures"] or 0) >= TRIES_ALL_MAX:
        first: datetime = all_["first"]
        return first + WINDOW
    row = LoginTry.objects.filter(account=account[:ACCOUNT_MAX], address=address).first()
    if row is None or row.locked_until is None or row.locked_until <= now:
        return None
    return row.locked_until


def allowed_networks() -> list[str]:
    """Networks from which people sign in (허용 주소): ``allowed_networks`` of config.json; all until it is set."""
    return [str(net) for net in home().config.get("allowed_networks") or ANYWHERE][: rules_posts.NETWORKS_MAX]


def refused_here(person: Person, station: Station, address: str) -> str | None:
    """Why the right password does not open this door (허용 단말·주소), with its ledger row; None when it does.

    Asked after the password, so that a stranger learns nothing of the list.
    """
    today = law()
    if not today.has("access.allow_list"):
        return None
    facts = {"station": station.code, "address": address, "allowed": allowed_networks()}
    decision = rules_posts.may_enter(facts, today)
    if decision.allow:
        return None
    actor = Actor(person.pk, person.name, frozenset(), person.agency_id, station.code)
    entry = Entry.by(actor, "staff.login.refused", "refused", decision, detail={"address": address}, dies="access")
    ledger.append(cursor(), clock(), entry)
    reason = decision.reasons[0]
    said = (reason.en, reason.remedy_en) if get_language() == "en" else (reason.ko, reason.remedy_ko)
    return ". ".join(said) + "."


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
