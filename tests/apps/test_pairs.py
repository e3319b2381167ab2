"""The pair check: vaultd's open-log and the ledger, each with something the other does not have."""

import hashlib
import subprocess
import sys
import time

import pytest
from test_worker import environment, process

import support
from gwanje.apps import pairs
from gwanje.apps.postgres import running
from gwanje.kernel import database, ledger, refusals
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7
from gwanje.kernel.keys import signing_key
from gwanje.kernel.ledger import Entry
from gwanje.kernel.permit import Approval, Lens, ViewerToken
from gwanje.vault import ceremony
from gwanje.vault.client import VaultClient
from gwanje.vault.openlog import OpenRow

DECISION = hashlib.sha256(b"decision").digest()
STATION = "열람실-1"


class Centre:
    """A centre with one camera, of which three seconds were opened under a Permit."""

    def __init__(self, home, officers):
        self.home, self.person, self.approver, self.camera = home, officers[0], officers[1], uuid7()
        web, recorder, player = (VaultClient(home, role) for role in ("web", "recorder", "player"))
        web.set_class(1, "days", 30, "제31조제1항")
        slot = web.slot(self.camera)
        epoch, tick = divmod(home.clock.now_s(), 3600)
        recorder.lend(1, slot, epoch)
        # a whole second of this hour, in the past where the hour has one
        self.first = epoch * 3600 + max(0, tick - 5)
        self.permit = uuid7()
        now = home.clock.now_us()
        approvals = [Approval(o.id, o.role, DECISION, now) for o in (self.person, self.approver)]
        signed = web.mint(
            id=self.permit, decision=DECISION, norms=["playback.ground"], cameras=[Lens(self.camera, slot)],
            first=self.first, until=self.first + 3, person=self.person.id, station=STATION, ground="investigation",
            case="형사과-1234", approvals=approvals, expires=home.clock.now_s() + 600,
        )  # fmt: skip
        viewer = ViewerToken(self.person.id, STATION, home.clock.now_s() + 60).sign(signing_key(home, "web"))
        session = player.redeem(signed, viewer).session
        for second in range(self.first, self.first + 3):
            player.open_tick(session, 1, slot, second // 3600, second % 3600, [b"\1" * 32])

    def tell(self, kind, **more):
        said = {"permit": self.permit, "cameras": [self.camera], "first": self.first, "until": self.first + 3}
        outcome = "granted" if kind == pairs.ISSUED else "done"
        with database.connect(self.home) as connection, connection.transaction(), connection.cursor() as cursor:
            ledger.append(cursor, self.home.clock, Entry(kind, outcome, **{"actor": self.person.id, **said, **more}))

    def later(self):
        """Beyond the minutes in which facts may still be on their way."""
        self.home.clock.set_offset(pairs.SETTLE_S * 2 * 1_000_000)


@pytest.fixture
def centre(tmp_path):

    home = Home.create(tmp_path / "centre", settable_clock=True, demo=True, packs=support.PACKS, name="가온시")
    agency = uuid7()
    officers = [ceremony.NewOfficer(uuid7(), r, agency, f"password of {r}") for r in ("operator", "manager")]
    ceremony.create(home, officers)
    with running(home), process(home, "vaultd"):
        migrate = [sys.executable, "-m", "gwanje.apps.cli", "migrate"]
        subprocess.run(migrate, env=environment(home), check=True, capture_output=True)
        for _ in range(100):
            if home.socket("vaultd").exists():
                break

            time.sleep(0.05)
        yield Centre(home, officers)


@pytest.mark.norm("security.internal_control", "deny")
def test_both_sides(centre):
    report = pairs.check(centre.home)
    assert (report.ticks, report.ok) == (3, True), "what is minutes old may be on its way"
    centre.later()
    report = pairs.check(centre.home)
    assert len(report.unexplained) == 3, "opened, and no Permit in the ledger"
    with database.connect(centre.home) as connection:
        assert refusals.drain(centre.home, connection, centre.home.clock) > 0
    centre.home.clock.set_offset(pairs.SETTLE_S * 3 * 1_000_000)
    minted = [line for line in pairs.check(centre.home).unexplained if "서명한 허가" in line]
    assert minted == [f"금고가 서명한 허가 {centre.permit}: 관리대장에 발급 기록이 없음"]
    centre.tell(pairs.ISSUED)
    assert pairs.check(centre.home).ok
    centre.tell("playback.range.opened")
    found = pairs.check(centre.home)
    assert (found.ticks, found.permits, found.ok) == (3, 1, True)

    # the other way: a range in the ledger that vaultd never opened
    centre.tell("playback.range.opened", until=centre.first + 5)
    centre.home.clock.set_offset(pairs.SETTLE_S * 4 * 1_000_000)
    found = pairs.check_and_tell(centre.home)
    assert found.ranges == 2
    assert found.unopened == [f"허가 {centre.permit}: 금고 기록에 없는 2초"]
    with database.connect(centre.home) as connection:
        events = connection.execute("select kind, severity from event").fetchall()
        assert events == [("ledger.pairs.differ", 3)]
        told = connection.execute(
            "select outcome, count(*) from ledger_opening where kind = 'ledger.pairs.checked' group by outcome"
        ).fetchall()
        assert told == [("refused", 1)]


def test_a_permit_of_something_else_explains_nothing():
    permit, person, camera = uuid7(), uuid7(), uuid7()
    row = OpenRow(0, permit, b"s", person, STATION, camera, 1, 0, 10, 5, 1, 0)
    second = 10 * 3600 + 5
    said = {"cameras": [camera], "first": second, "until": second + 1, "actor": person}
    assert pairs._explain(said, row, second) == ""
    for wrong in ({"cameras": [uuid7()]}, {"until": second}, {"first": second + 1}, {"actor": uuid7()}):
        assert pairs._explain({**said, **wrong}, row, second), wrong
    assert pairs._explain(None, row, second)
