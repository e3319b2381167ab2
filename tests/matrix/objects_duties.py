"""Objects of the duties' rows."""

from datetime import timedelta

from gwanje.centre.common import clock
from gwanje.centre.duties import api
from gwanje.law.decision import ArticleRef, Duty

ARTICLE = ArticleRef("kr_anyang", "별지2", "별지 제2호서식", "안양시 조례", "조례")


def _made(world, norm, subject):
    today = clock().local().date()
    said = Duty(norm, norm, (ARTICLE,), today, today + timedelta(days=10), "manager", "10일", "10 days")
    named = {"title_ko": f"할 일 {subject}", "title_en": f"Duty {subject}"}
    return api.owe(said, agency=world.city.pk, subject_kind="request", subject=subject, **named)


OBJECTS = {
    "duty": lambda world: _made(world, "request.due", "matrix"),
    "correction": lambda world: _made(world, "request.decide", "matrix-2"),
}
