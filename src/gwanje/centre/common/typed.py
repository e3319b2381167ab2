"""What was typed is not lost (입력 보존): a page that refuses a form gives back what the form had, to be sent again.

Nothing is stored: the text travels in the answer to its own sender, which no browser and no proxy keeps. Whatever the
reason was (a rule, a session that ended, a key service that is away, a fault), the same page shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.urls import Resolver404, resolve
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# rooms whose forms hold no secret; cameras and staff take passwords, and what they were sent is never shown again
ROOMS = frozenset(
    ("duties", "inspection", "papers", "playback", "preservation", "publication", "retention", "watching")
)
FIELDS_MAX, CHARS_MAX = 300, 64 * 1024
EDIT = "edit"
# what people type in their own words, as the forms call it; everything else goes along unseen
WORDS: dict[str, str | Promise] = {
    "case": _("사건·접수번호"),
    "document": _("근거 문서"),
    "purpose": _("목적"),
    "reason": _("사유"),
    "note": _("의견"),
    "applicant": _("청구인"),
    "place": _("설치 장소(CCTV번호)"),
    "first": _("시작"),
    "until": _("끝"),
    "ends": _("보존의 끝"),
    "keep_from": _("연장기간 시작"),
    "keep_until": _("연장기간 끝"),
    "subject_name": _("정보주체"),
    "subject_phone": _("전화번호"),
    "subject_address": _("주소"),
    "agent_name": _("대리인"),
    "label": _("이름"),
    "reference": _("근거 조문"),
}
View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True)
class Typed:
    """A refused form: where it was sent, all its fields, those to be read, can its page be filled again."""

    action: str
    fields: tuple[tuple[str, str], ...]
    shown: tuple[tuple[str | Promise, str], ...]
    refillable: bool


def refillable(view: View) -> View:
    """A form's own page that shows the form as it was typed when asked to (``editing``)."""
    view.refillable = True  # type: ignore[attr-defined]
    return view


def editing(request: HttpRequest) -> bool:
    """Was the form sent only to be shown again?"""
    return request.POST.get("typed") == EDIT


def typed_of(request: HttpRequest) -> Typed | None:
    """What was typed into the refused form of a page; None for scripts, for rooms with secrets, from other sites."""
    if request.method != "POST" or request.path.startswith("/api/"):
        return None
    try:
        match = resolve(request.path)
        given = request.POST
    except (Resolver404, SuspiciousOperation, UnreadablePostError, MultiPartParserError):
        return None
    if match.namespace not in ROOMS or not _ours(request):
        return None
    fields = [
        (name, value)
        for name, values in given.lists()
        if name not in ("csrfmiddlewaretoken", "typed")
        for value in values
    ]
    if not fields or len(fields) > FIELDS_MAX or sum(len(name) + len(value) for name, value in fields) > CHARS_MAX:
        return None
    shown = [(WORDS[name], value) for name, value in fields if name in WORDS and value.strip()]
    return Typed(request.path, tuple(fields), tuple(shown), hasattr(match.func, "refillable"))


def _ours(request: HttpRequest) -> bool:
    """Did it come from a page of ours? A browser's Origin says so also where the form's token was too old."""
    if getattr(request, "csrf_processing_done", False):
        return True
    try:
        return urlsplit(request.META.get("HTTP_ORIGIN", "")).netloc == request.get_host()
    except (SuspiciousOperation, ValueError):
        return False
