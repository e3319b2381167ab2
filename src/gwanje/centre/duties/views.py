"""Pages of the board (기한 화면): what is late, due today and coming, how it was counted and by which rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from gwanje.centre.common import clock, decide, demand, law, packs
from gwanje.centre.common.doors import acting, signed_in
from gwanje.centre.common.refusal import Problem, missing, say, uuid_of
from gwanje.centre.common.typed import editing, refillable
from gwanje.centre.duties import beginning, kinds, reading, rules, services
from gwanje.centre.duties.forms import BeginForm
from gwanje.centre.duties.models import OPEN, Duty
from gwanje.kernel.actor import Actor
from gwanje.kernel.policy import Resource
from gwanje.law import ArticleRef

PAGE = 50
DAY_S = 86400


@dataclass(frozen=True)
class Shown:
    """One row as a page shows it."""

    row: Duty
    section: str
    left: str
    owner: str
    next: Any
    articles: tuple[ArticleRef, ...]
    hand: bool

    @property
    def nearest(self) -> tuple[ArticleRef, ...]:
        """The two articles that stand nearest to the case: they come highest rank first."""
        return self.articles[-2:]

    @property
    def more(self) -> int:
        """How many more there are."""
        return max(0, len(self.articles) - 2)


def title_of(role: str) -> str:
    """The city's own title of an office; the role's id where no pack names it."""
    try:
        return law().title(role, "en" if get_language() == "en" else "ko")
    except KeyError:
        return role


def cited(keys: Iterable[str]) -> tuple[ArticleRef, ...]:
    """The articles that a row names, as far as today's packs still have them."""
    found = []
    for key in keys:
        pack, _sep, id_ = key.partition(":")
        try:
            found.append(packs().pack(pack).by_id[id_].ref)
        except KeyError:
            continue
    return tuple(found)


def left(row: Duty, cuts: reading.Span) -> str:
    """How much time is left or gone, in words."""
    seconds = int((row.ends_at - cuts.now).total_seconds())
    if seconds < 0:
        gone = -seconds
        if row.due_at is not None and gone < 2 * DAY_S:
            hours = max(1, gone // 3600)
            return ngettext("%(n)s시간 지남", "%(n)s시간 지남", hours) % {"n": hours}
        days = max(1, (clock().local().date() - row.due_on).days)
        return ngettext("%(n)s일 지남", "%(n)s일 지남", days) % {"n": days}
    if row.due_at is not None and seconds < 2 * DAY_S:
        hours = seconds // 3600
        return ngettext("%(n)s시간 남음", "%(n)s시간 남음", hours) % {"n": hours} if hours else _("한 시간 안")
    days = (row.due_on - clock().local().date()).days
    return ngettext("%(n)s일 남았음", "%(n)s일 남았음", days) % {"n": days} if days else _("오늘까지")


def shown(actor: Actor, row: Duty, cuts: reading.Span) -> Shown:
    """A row with everything a page says of it."""
    may = row.hand and row.state == OPEN and decide(actor, rules.CLOSE, services.resource(row)).allow
    return Shown(
        row, reading.section(row, cuts), left(row, cuts), title_of(row.owner_role), kinds.next_of(row.kind),
        cited(row.articles), may,
    )  # fmt: skip


def _board(request: HttpRequest) -> dict[str, Any]:
    actor, asked = acting(request), request.GET
    state = reading.CLOSED if asked.get("state") == reading.CLOSED else OPEN
    section, owner, norm = asked.get("section", ""), asked.get("owner", "")[:30], asked.get("norm", "")[:60]
    late = asked.get("late") == "1"
    rows = reading.due(actor, state=state, section_=section, owner=owner, norm=norm, late_only=late)
    page, cuts = Paginator(rows, PAGE).get_page(asked.get("page")), reading.span()
    entries = [shown(actor, row, cuts) for row in page]
    counts = reading.counts(actor, owner, norm)
    return {
        "page_obj": page, "entries": entries, "closed": state == reading.CLOSED, "late_only": late,
        "section": section if section in reading.SECTIONS else "", "owner": owner, "norm": norm, "counts": counts,
        "parts": [(name, counts[name]) for name in reading.SECTIONS],
        "owners": [(role, title_of(role)) for role in reading.owners_of(actor)],
        "norms": [(name, kinds.name_of(name)) for name in reading.norms_of(actor)],
        "filtered": bool(owner or norm or section or late), "whole": actor.has(*rules.READERS),
        "closable": any(entry.hand for entry in entries),
        "may_begin": decide(actor, rules.BEGIN, Resource("agency", agency=actor.agency)).allow,
        "silent": reading.silent(), "coming_days": reading.COMING_DAYS,
    }  # fmt: skip


@signed_in
@require_GET
def board(request: HttpRequest) -> HttpResponse:
    """The board (기한 현황): late, today, the coming fourteen days, later; or what is closed."""
    demand(acting(request), rules.READ, Resource("agency", agency=acting(request).agency))
    return render(request, "duties/board.html", _board(request))


@signed_in
@require_POST
def close(request: HttpRequest) -> HttpResponse:
    """Close the chosen duties with one note."""
    ids = [uuid_of(text, "할 일", "duty") for text in request.POST.getlist("ids")[: services.AT_ONCE + 1]]
    rows = services.close(acting(request), ids, request.POST.get("note", ""))
    late = sum(row.was_late for row in rows)
    said = ngettext("할 일 %(n)s건을 이행으로 기록하였습니다.", "할 일 %(n)s건을 이행으로 기록하였습니다.", len(rows))
    messages.success(request, said % {"n": len(rows)})
    if late:
        messages.warning(request, _("그 가운데 %(n)s건은 기한이 지난 이행으로 남습니다.") % {"n": late})
    return redirect("duties:board")


@signed_in
@require_GET
def duty(request: HttpRequest, id_: UUID) -> HttpResponse:
    """One duty: how it was counted, whom it was told, what became of it."""
    return _duty(request, services.readable(acting(request), id_))


def _duty(request: HttpRequest, row: Duty) -> HttpResponse:
    actor, cuts = acting(request), reading.span()
    entry = shown(actor, row, cuts)
    told = [title_of(role) for role in _told(row)]
    extendable = entry.hand and beginning.may_extend(row)
    texts = [packs().pack(a.pack).by_id[a.id] for a in entry.articles]
    context = {
        "entry": entry, "row": row, "told": told, "extendable": extendable, "texts": texts,
        "name": kinds.name_of(row.norm),
    }  # fmt: skip
    return render(request, "duties/duty.html", context)


def _told(row: Duty) -> tuple[str, ...]:
    return reading.ladder(row.owner_role)[: row.escalated]


@signed_in
@require_POST
def extend(request: HttpRequest, id_: UUID) -> HttpResponse:
    """Prolong a correction's term, before it is over."""
    actor = acting(request)
    row = beginning.extend(actor, services.readable(actor, id_), request.POST.get("reason", ""))
    messages.success(request, _("기한을 %(day)s까지로 연장하였습니다.") % {"day": row.due_on})
    return redirect("duties:duty", row.pk)


@refillable
@signed_in
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Enter a fact that starts clocks (기산 사실 등록)."""
    actor = acting(request)
    demand(actor, rules.BEGIN, Resource("agency", agency=actor.agency))
    offered = beginning.offered()
    chosen = request.POST.get("what") or request.GET.get("what") or (offered[0].id if offered else "")
    one = next((known for known in offered if known.id == chosen), None)
    if one is None and chosen:
        raise missing("기산 사실", "Such a fact")
    given = None
    if one is not None:
        today = clock().local()
        initial = {"day": today.date(), "hour": today.time().replace(second=0, microsecond=0)}
        given = BeginForm(request.POST or None, beginning=one, initial=initial)
        if request.method == "POST" and not editing(request) and given.is_valid():
            try:
                rows = beginning.begin(actor, one.id, given.cleaned_data["label"], given.cleaned_data["at"])
            except Problem as problem:
                given.add_error(None, say(problem))
                return _new(request, offered, one, given, problem.status)
            said = ngettext("기한 %(n)s건을 등록하였습니다.", "기한 %(n)s건을 등록하였습니다.", len(rows))
            messages.success(request, said % {"n": len(rows)})
            return redirect("duties:duty", rows[0].pk) if len(rows) == 1 else redirect("duties:board")
    return _new(request, offered, one, given, 422 if given is not None and given.errors else 200)


def _new(request: HttpRequest, offered: Any, one: Any, given: BeginForm | None, status: int) -> HttpResponse:
    context = {"offered": offered, "one": one, "form": given}
    return render(request, "duties/new.html", context, status=status)
