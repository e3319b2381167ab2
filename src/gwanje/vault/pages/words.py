"""Words of the signing pages (서명 화면의 말): what vaultd says of an act, and beside it the centre's names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from gwanje.vault.consent import Shown
from gwanje.vault.pages.html import Lens, Line

ROLES: Final = {
    "chief_officer": "총괄책임자", "manager": "관리책임자", "operator": "관제요원", "seconded_police": "파견경찰관",
    "privacy_officer": "개인정보 보호책임자", "auditor": "감사담당자",
}  # fmt: skip
METHODS: Final = {"webauthn": "보안키", "key": "서명키(gwanje officer)", "spoken": "전화 승인코드"}
VALUES: Final = {
    ("action", "view"): "열람·재생 / viewing",
    ("action", "release"): "반출 / release",
    ("kind", "provisional"): "임시 보존(10일) / provisional, 10 days",
    ("kind", "investigation"): "수사 / investigation",
    ("kind", "trial"): "재판 / trial",
    ("kind", "statute"): "법령 / statute",
    ("kind", "extension"): "정보주체의 보관기간 연장 / extension asked by the data subject",
}
# what an officer need not weigh but an auditor compares; it stands at the end, never hidden
TECHNICAL: Final = ("norms", "decision", "hold", "slot")
NAME_MAX: Final = 300


def clean(text: str) -> str:
    """The centre's words as a page may show them: no sign that hides or turns letters (유니코드 위장 방지)."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in text[:NAME_MAX])


def name(shown: Shown, who: UUID) -> str:
    """The centre's name for a person or a camera, empty without one."""
    return clean(shown.said.get(str(who), ""))


def rows(shown: Shown) -> list[Line]:
    """What an officer weighs: vaultd's words, and under each the centre's own."""
    made = []
    for row in shown.rows:
        if row.field in TECHNICAL or row.field == "cameras" or (row.field == "spans" and row.named):
            continue
        value = VALUES.get((row.field, row.value), row.value)
        named = [clean(shown.said.get(row.field, "")), *(name(shown, who) for who in row.named)]
        made.append(Line(row.ko, row.en, value, ", ".join(filter(None, named))))
        if row.field == "until" and "first" in shown.body:
            made.append(_length(shown.body["until"] - shown.body["first"]))
    if asked := clean(shown.said.get("asked", "")):
        made.append(Line("신청한 범위", "Range as asked", "", asked))
    return made


def more(shown: Shown) -> list[Line]:
    """What an auditor compares."""
    return [Line(row.ko, row.en, row.value, "") for row in shown.rows if row.field in TECHNICAL]


def _length(seconds: int) -> Line:
    hours, rest = divmod(seconds, 3600)
    parts = [(hours, "시간"), (rest // 60, "분"), (rest % 60, "초")]
    said = " ".join(f"{n}{unit}" for n, unit in parts if n)
    return Line("열리는 길이", "Length", said if seconds < 60 else f"{said} ({seconds:,}초)", "")


def lenses(shown: Shown) -> list[Lens]:
    """Every camera of an act, numbered; vaultd's own knowledge is its identity and its slot."""
    listed: Iterable[list[object]] = shown.body.get("cameras", ())
    made = []
    for number, (camera, slot, *_) in enumerate(listed, 1):
        who = UUID(bytes=bytes(camera))  # type: ignore[call-overload]
        made.append(Lens(number, f"{slot}번 자리 · {who}", name(shown, who)))
    # a hold's seconds: one line a camera and class, each beside its own name
    spans = next((row for row in shown.rows if row.field == "spans" and row.named), None)
    if spans is not None:
        lines = zip(shown.body["spans"], spans.value.split("\n"), strict=True)
        made = [Lens(n, line, name(shown, UUID(bytes=span[0]))) for n, (span, line) in enumerate(lines, 1)]
    return made


def leads_home(back: str, origins: tuple[str, ...]) -> bool:
    """Does an address lead to a page of the centre itself? Anything else is no link on these pages."""
    if not back.isascii() or not back.isprintable() or "\\" in back or " " in back:
        return False
    try:
        parts = urlsplit(back)
    except ValueError:
        return False
    return f"{parts.scheme}://{parts.netloc}" in origins and parts.path.startswith("/")
