"""Run by the test as a process: acts and rounds are killed at a statement of a seeded draw, then done again."""

import json
import os
import random
import signal
import sys
from datetime import timedelta
from uuid import UUID

import django

django.setup()

from django.db import connection  # noqa: E402
from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402

from gwanje.apps.web.schema import bring_up  # noqa: E402
from gwanje.centre.common import clock, home, system_scope  # noqa: E402
from gwanje.centre.duties import api, rounds  # noqa: E402
from gwanje.centre.staff import services as staff  # noqa: E402
from gwanje.centre.staff.models import LoginTry  # noqa: E402
from gwanje.law.decision import ArticleRef, Duty  # noqa: E402

CITY = UUID("01990000-0000-7000-8000-0000000000c1")
ARTICLE = ArticleRef("kr_anyang", "별지2", "별지 제2호서식", "안양시 조례", "조례")
SUBJECTS, STEPS = 5, 18
DAY_US = 86_400_000_000


def said(days):
    today = clock().local().date()
    return Duty("request.answer", "request.due", (ARTICLE,), today, today + timedelta(days=days), "privacy_officer",
                "10일", "10 days")  # fmt: skip


def owe(number):
    """An act and the duty that it begins; done again it finds what stands."""
    with system_scope():
        if LoginTry.objects.filter(account=f"act{number}").exists():
            return
        LoginTry.objects.create(account=f"act{number}", address="", first_at=clock().now())
        api.owe(said(5 + number), agency=CITY, subject_kind="request", subject=str(number), title_ko="청구",
                title_en="Request")  # fmt: skip


def done(number):
    with system_scope():
        api.done("request.answer", "request", str(number), "처리함")


def round_(_):
    duty = Duty("log.review", "log.review", (ARTICLE,), FIRST, FIRST + timedelta(days=9), "manager", "-", "-")
    api._scans["rows"] = lambda now: iter([api.Owed(duty, CITY, "agency", str(CITY), "점검", "Review")])
    rounds.run()


def forked(act, argument, at):
    """The act in a process of its own, killed by itself at a statement or around a commit; True when it was killed."""
    child = os.fork()
    if child == 0:
        left = [at]

        def step():
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        def counted(execute, sql, params, many, context):
            step()
            return execute(sql, params, many, context)

        commit = BaseDatabaseWrapper._commit

        def committed(self):
            step()
            commit(self)
            step()

        BaseDatabaseWrapper._commit = committed
        try:
            with connection.execute_wrapper(counted):
                act(argument)
        except BaseException as error:
            sys.stderr.write(f"{act.__name__}: {error!r}\n")
            os._exit(3)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code not in (0, -signal.SIGKILL):
        sys.exit(f"{act.__name__} failed with {code}")
    return code != 0


def prepare(_):
    bring_up()
    with system_scope():
        staff.create_agency("가온시", "city", id_=CITY)


def count(_):
    """What stands, as JSON on standard output."""
    with system_scope() as rows:
        rows.execute("select count(*), count(distinct (kind, subject)) from duties_duty")
        duties, subjects = rows.fetchone()
        rows.execute("select count(*) from staff_logintry")
        acts = rows.fetchone()[0]
        rows.execute("select kind, count(*) from ledger_opening where kind like 'duties.%%' group by kind")
        ledger = dict(rows.fetchall())
        rows.execute("select kind, count(*) from event where kind like 'duties.%%' group by kind")
        events = dict(rows.fetchall())
        rows.execute("select count(*) from duties_duty where state <> 'open'")
        closed = rows.fetchone()[0]
        rows.execute("select sum(least(escalated, case owner_role when 'manager' then 2 else 3 end)) from duties_duty")
        told = rows.fetchone()[0]
        rows.execute("select count(*) from duties_duty where state = 'open' and ends_at < %s and escalated = 0",
                     [clock().now()])  # fmt: skip
        unsaid = rows.fetchone()[0]
    result = {"duties": duties, "subjects": subjects, "acts": acts, "ledger": ledger, "events": events,
              "closed": closed, "told": int(told), "unsaid": unsaid}  # fmt: skip
    (home().root / "counted.json").write_text(json.dumps(result))


FIRST = clock().local().date()
forked(prepare, None, 0)
draw = random.Random(int(sys.argv[1]))
kills = offset = 0
plan = [(owe, n) for n in range(SUBJECTS)] + [(done, n) for n in range(0, SUBJECTS, 2)]
draw.shuffle(plan)
plan = [(owe, int(n)) for n in range(2)] + plan
for _turn in range(STEPS):
    act, argument = plan.pop(0) if plan and draw.random() < 0.7 else (round_, None)
    kills += forked(act, argument, draw.randint(1, 16))
    # whoever was told nothing does it again: the officer, or the next minute's round
    forked(act, argument, 0)
    offset += draw.choice((0, 1, 1, 2, -1)) * DAY_US
    home().clock.set_offset(max(0, offset))
home().clock.set_offset(60 * DAY_US)
forked(round_, None, 0)
forked(round_, None, 0)
forked(count, None, 0)
result = json.loads((home().root / "counted.json").read_text())
sys.stdout.write(json.dumps({**result, "kills": kills}) + "\n")
sys.stdout.flush()
os._exit(0)
