"""The journal of form 1: findings and gaps become rows, heal, are signed, go to the contractor; months are closed."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import pikepdf
import pytest
from django.db import IntegrityError, connection, transaction

from gwanje.centre.cameras import services as cameras
from gwanje.centre.cameras.models import Camera
from gwanje.centre.common import clock, documents
from gwanje.centre.common.papers import today
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.inspection import document, duties, reading, services
from gwanje.centre.inspection.models import Fault, Month, Ticket
from gwanje.centre.staff import api as staff
from gwanje.kernel.findings import Finding, put_findings
from gwanje.kernel.footage import Gap, put_gaps
from gwanje.kernel.rls import set_scope
from support.centre import ledger_rows
from support.owpml_reader import read
from support.pdf_text import pages

pytestmark = pytest.mark.django_db(transaction=False)
MINUTE_US = 60_000_000


@pytest.fixture
def camera(city, officers, seat):
    """A running camera of the city."""
    actor = staff.actor_for(officers["administrator"], seat.code)
    new = cameras.NewCamera("A-0123", "○○로 12 앞", "37.4", "126.9", ("생활방범",), city.pk, state="planned")
    row = cameras.register_camera(actor, new)
    Camera.objects.filter(pk=row.pk).update(state="active")
    return row


@pytest.fixture
def as_(officers, seat):
    """``as_("manager")`` → that officer's actor."""
    return lambda role: staff.actor_for(officers[role], seat.code)


def found(camera, kind="covered", *, ago_us=20 * MINUTE_US, ended=False, segment=None) -> Finding:
    now = clock().now_us()
    row = Finding(uuid4(), camera.pk, camera.agency_id, kind, now - ago_us, now if ended else None, {"lost": 0.8},
                  segment, now - ago_us if segment else None)  # fmt: skip
    put_findings(connection.cursor(), [row])
    return row


def closed(row: Finding) -> Finding:
    from dataclasses import replace

    ended = replace(row, ended_us=clock().now_us())
    put_findings(connection.cursor(), [ended])
    return ended


def test_a_finding_becomes_a_row_once_and_heals_by_itself(camera):
    row = found(camera, segment=b"\7" * 32)
    assert duties.run().opened == 1
    assert duties.run().opened == 0
    fault = Fault.objects.get()
    assert (fault.number, fault.name, fault.said, fault.segment) == ("A-0123", "○○로 12 앞", "렌즈 가림", "07" * 32)
    assert fault.handled_at is None
    closed(row)
    assert duties.run().healed == 1
    fault.refresh_from_db()
    assert (fault.note, fault.handled_at) == ("자동 복구", fault.healed_at)
    kinds = [kind for kind, _, _ in ledger_rows() if kind.startswith("inspection")]
    assert kinds == ["inspection.fault.found", "inspection.fault.healed"]


def test_a_finding_that_came_late_and_is_over_is_one_row_with_both_times(camera):
    found(camera, "frozen", ended=True)
    report = duties.run()
    assert (report.opened, report.healed) == (1, 1)
    assert Fault.objects.get().healed_at


def test_long_gaps_are_no_signal_and_short_ones_and_restarts_are_none(camera):
    now = clock().now_us()
    long_, short, restart = uuid4(), uuid4(), uuid4()
    gaps = [
        Gap(long_, camera.pk, camera.agency_id, 0, "network", now - 11 * MINUTE_US, None),
        Gap(short, camera.pk, camera.agency_id, 0, "camera", now - 9 * MINUTE_US, None),
        Gap(restart, camera.pk, camera.agency_id, 0, "restart", now - 60 * MINUTE_US, now),
    ]
    put_gaps(connection.cursor(), gaps)
    duties.run()
    fault = Fault.objects.get()
    assert (fault.source_id, fault.said, fault.healed_at) == (long_, "신호 없음(통신 두절)", None)
    ended = Gap(long_, camera.pk, camera.agency_id, 0, "network", now - 11 * MINUTE_US, now)
    put_gaps(connection.cursor(), [ended])
    duties.run()
    fault.refresh_from_db()
    assert fault.note == "자동 복구"


def test_a_person_signs_once_and_the_ledger_has_it(camera, as_):
    found(camera)
    duties.run()
    id_ = Fault.objects.get().pk
    with pytest.raises(Problem, match="2 to 500"):
        services.sign(as_("operator"), id_, "", "닦음", "")
    row = services.sign(as_("operator"), id_, "현장 확인: 거미줄", "렌즈를 닦음", "")
    assert row.signer
    with pytest.raises(Problem) as again:
        services.sign(as_("manager"), id_, "다른 말", "다른 말", "")
    assert again.value.status == 409
    kind, _, opening = ledger_rows()[-1]
    assert (kind, opening["detail"]["result"]) == ("inspection.fault.signed", "렌즈를 닦음")
    with pytest.raises(Refused):
        services.sign(as_("auditor"), id_, "감사", "감사", "")


def test_a_ticket_goes_step_by_step_and_only_to_its_contractor(camera, as_, officers, hire, seat):
    found(camera)
    duties.run()
    id_ = Fault.objects.get().pk
    with pytest.raises(Problem):
        services.send(as_("manager"), id_, officers["operator"].pk, "")
    ticket = services.send(as_("manager"), id_, officers["maintenance"].pk, "렌즈 확인")
    stranger = staff.actor_for(hire("maintenance", contractor=True), seat.code)
    with pytest.raises(Refused) as hidden:
        services.progress(stranger, ticket.pk, "acknowledged", "")
    assert hidden.value.status == 404
    own = as_("maintenance")
    with pytest.raises(Problem):
        services.progress(own, ticket.pk, "repaired", "먼저")
    for step in ("acknowledged", "on_site"):
        services.progress(own, ticket.pk, step, "")
    with pytest.raises(Problem):
        services.progress(own, ticket.pk, "repaired", "")
    done = services.progress(own, ticket.pk, "repaired", "하우징 교체")
    assert done.sent_at <= done.acknowledged_at <= done.on_site_at <= done.repaired_at
    assert Fault.objects.get().handled_at == done.repaired_at
    with pytest.raises(IntegrityError), transaction.atomic():
        Ticket.objects.filter(pk=ticket.pk).update(acknowledged_at=None)


def test_the_contractor_sees_its_tickets_and_neither_journal_nor_video(camera, as_, officers, sign_in):
    found(camera)
    duties.run()
    fault = Fault.objects.get()
    services.send(as_("manager"), fault.pk, officers["maintenance"].pk, "렌즈 확인")
    browser = sign_in(officers["maintenance"], duty=True)
    page = browser.get("/inspection/tickets/").content.decode()
    assert "A-0123" in page
    assert 'href="/watch/"' not in page
    assert "/playback/" not in page
    for address in ("/inspection/", f"/inspection/faults/{fault.pk}/", "/inspection/form/"):
        assert browser.get(address).status_code == 403, address


def test_a_month_closes_only_with_every_result_and_an_overdue_one_is_an_alarm(camera, as_, advance):
    found(camera)
    duties.run()
    today = clock().local().date()
    with pytest.raises(Problem, match="1 rows have no result"):
        services.close_month(as_("manager"), today.year, today.month, "이상 없음")
    services.sign(as_("manager"), Fault.objects.get().pk, "점검함", "정상", "")
    assert duties.run().overdue == 0
    advance(40 * 86400)
    assert duties.run().overdue == 1
    assert duties.run().overdue == 1
    cursor = connection.cursor()
    cursor.execute("select count(*) from event where kind = 'inspection.overdue'")
    assert cursor.fetchone() == (1,)
    made = services.close_month(as_("manager"), today.year, today.month, "이상 없음")
    assert (made.faults, made.cameras) == (1, 1)
    due = reading.due(camera.agency_id, today)
    assert due.duty.due_on > today
    with pytest.raises(Refused):
        services.close_month(as_("operator"), today.year, today.month, "이상 없음")


def test_a_simulated_month_of_faults_is_one_journal(camera, as_, advance):
    """Thirty days: each third day a fault that heals, each tenth a dead line; the form has each once, in order."""
    start = clock().local().replace(day=1, hour=9, minute=0) + timedelta(days=40)
    advance(int((start.replace(day=1) - clock().local()).total_seconds()))
    for day in range(27):
        if day % 3 == 0:
            row = found(camera, ("covered", "blurred", "moved")[day // 3 % 3], ago_us=MINUTE_US)
            duties.run()
            advance(1800)
            closed(row)
        if day % 10 == 5:
            now = clock().now_us()
            gap = Gap(uuid4(), camera.pk, camera.agency_id, 0, "network", now - 30 * MINUTE_US, now)
            put_gaps(connection.cursor(), [gap])
        duties.run()
        advance(86400)
    month = clock().local()
    rows = list(reading.rows(camera.agency_id, month.year, month.month))
    assert len(rows) == 9 + 3
    assert [r.occurred_at for r in rows] == sorted(r.occurred_at for r in rows)
    assert all(r.note == "자동 복구" for r in rows)
    for row in rows:
        services.sign(as_("manager"), row.pk, "원격 점검", "정상 작동 확인", "")
    made = services.close_month(as_("manager"), month.year, month.month, "장애 12건 모두 처리")
    assert made.faults == 12
    assert Month.objects.count() == 1


def test_form_one_has_nine_columns_and_is_pdf_a(camera, as_):
    found(camera, ended=True)
    duties.run()
    rows = list(Fault.objects.all())
    now = clock().local()
    data = document.form_one("가온시", now.year, now.month, rows, now)
    assert data["columns"] == [
        "순번", "명칭", "관리번호", "장애발생일자", "장애처리일자", "장애내용", "점검내역", "처리결과", "기타사항",
    ]  # fmt: skip
    assert data["rows"][0][:3] == ["1", "○○로 12 앞", "A-0123"]
    assert data["rows"][0][8] == "자동 복구"
    pdf = document.render(data, documents.fonts())
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        assert b"pdfaid" in opened.Root.Metadata.read_bytes()
        assert opened.pages[0].mediabox[2] > opened.pages[0].mediabox[3]


def test_the_months_journal_is_printed_on_the_citys_own_form(camera, sign_in, officers, monkeypatch):
    found(camera, ended=True)
    duties.run()
    browser = sign_in(officers["manager"])
    pdf = browser.get("/inspection/form/")
    shown = "".join(page.text for page in pages(pdf.content)).replace(" ", "")
    for said in ("[별지제1호서식]", "점검일지", "가온시", "A-0123", "○○로12앞", "렌즈가림", "자동복구", "팀장"):
        assert said in shown
    assert "A-0123" in read(browser.get("/inspection/form/?as=hwpx").content).texts
    assert len([kind for kind, *_rest in ledger_rows() if kind == "inspection.form.exported"]) == 2
    assert browser.get("/inspection/form/?as=exe").status_code == 404
    # a city without a form of its own prints the same nine columns, under nobody's label
    monkeypatch.setattr(today, "serving", lambda word, on: None)
    plain = "".join(page.text for page in pages(browser.get("/inspection/form/").content)).replace(" ", "")
    assert "별지" not in plain
    assert "A-0123" in plain


def test_the_page_shows_it_sealed_and_the_database_keeps_other_agencies_away(camera, sign_in, officers, police):
    found(camera, segment=b"\7" * 32)
    duties.run()
    fault = Fault.objects.get()
    browser = sign_in(officers["operator"], duty=True)
    page = browser.get(f"/inspection/faults/{fault.pk}/").content.decode()
    assert "봉인됨" in page
    assert page.count("<img") == 1  # the mark of the house
    assert browser.get("/inspection/").status_code == 200
    set_scope(connection.cursor(), "agency", [police.pk])
    assert Fault.objects.count() == 0
    set_scope(connection.cursor(), "system")


def test_a_fault_by_hand_is_not_of_the_future(camera, as_):
    soon = clock().now() + timedelta(hours=1)
    with pytest.raises(Problem, match="future"):
        services.enter(as_("operator"), camera.pk, "기둥이 기울었음", soon)
    row = services.enter(
        as_("operator"), camera.pk, "기둥이 기울었음", datetime.fromisoformat("2026-01-02T03:04+09:00")
    )
    assert (row.kind, row.said) == ("by hand", "기둥이 기울었음")
    with pytest.raises(Refused):
        services.enter(as_("operator"), UUID(int=3), "없는 기기", clock().now())
