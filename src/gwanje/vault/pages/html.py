"""HTML of vaultd's pages (서명 화면): Korean first, English beside; only the signing itself needs the script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

TITLES: Final = {
    "registry": ("담당공무원 명부 변경에 서명", "Sign: changing the officers' registry"),
    "codes": ("전화 승인코드 만들기에 서명", "Sign: making spoken approval codes"),
    "open": ("저장 영상 열람·재생에 서명", "Sign: opening stored video"),
    "hold": ("영상 보존에 서명", "Sign: keeping video beyond its time"),
    "prolong": ("보존 연장에 서명", "Sign: prolonging a hold"),
    "end": ("보존 종료에 서명", "Sign: ending a hold"),
    "puncture": ("영상 폐쇄·삭제에 서명", "Sign: closing and deleting video"),
}
OTHER: Final = ("담당공무원 서명", "An officer's signature")
DOES: Final = {
    "open": (
        ("위 기기의 위 시간만 열립니다. 그 밖의 영상은 열리지 않습니다.",
         "Only these cameras and these seconds open; nothing else does."),
        ("신청자와 승인자 두 사람이 서명하여야 열립니다. 한 사람의 서명으로는 열리지 않습니다.",
         "It opens when requester and approver have both signed; one signature opens nothing."),
        ("서명은 96시간 동안, 열람 10번까지 쓰입니다. 볼 때마다 기록이 남습니다.",
         "A signature serves 96 hours and 10 viewings; every second viewed is logged."),
    ),
    "hold": (
        ("위 시간의 영상이 보관기간이 지나도 정한 날까지 남습니다.",
         "These seconds outlive their retention until the day named."),
        ("보존한다고 볼 수 있게 되는 것은 아닙니다. 열람은 따로 승인받습니다.",
         "Keeping opens nothing: viewing is approved separately."),
    ),
    "prolong": (
        ("이미 보존한 영상의 끝나는 날만 바뀝니다. 새 영상이 더해지지 않습니다.",
         "Only the end of the hold moves; no further video is added."),
    ),
    "end": (
        ("보존이 끝나면 보관기간이 지난 영상은 곧바로 파기되며 되살릴 수 없습니다.",
         "What has outlived its retention is destroyed at once and cannot be brought back."),
    ),
    "codes": (
        ("코드는 서명한 뒤 이 화면에 한 번만 나옵니다. 종이에 적거나 인쇄하여 본인만 보관하십시오.",
         "The codes stand on this page once, after you sign. Keep them on paper, to yourself."),
        ("코드 하나로 긴급한 열람 한 건을 전화로 승인합니다. 다음 근무일까지 서명하지 않으면 코드가 정지됩니다.",
         "One code approves one urgent viewing by telephone; sign it in time or your codes are suspended."),
    ),
    "puncture": (
        ("위 시간의 영상은 다시는 열리지 않습니다. 되돌릴 수 없습니다.",
         "These seconds never open again. This cannot be undone."),
    ),
}  # fmt: skip
NEVER: Final = (
    ("전화나 쪽지의 부탁만으로 서명하지 마십시오. 이 화면의 내용이 사실일 때만 서명하십시오.",
     "Sign only if what stands here is true, never only because somebody asks you to."),
)  # fmt: skip


@dataclass(frozen=True)
class Files:
    """Addresses and digests of the script and the style: (path, ``sha256-…``)."""

    script: tuple[str, str]
    style: tuple[str, str]


@dataclass(frozen=True)
class Line:
    """One line of an act: its name in both languages, vaultd's value, the centre's own words for it."""

    ko: str
    en: str
    value: str
    said: str = ""


@dataclass(frozen=True)
class Lens:
    """One camera as the page shows it: number, what vaultd knows, what the centre says."""

    number: int
    known: str
    said: str


@dataclass(frozen=True)
class Signer:
    """Who may sign here: id, what vaultd knows of the office, the name that the centre says; ``problem`` (ko, en)."""

    id: str
    office: str
    said: str
    problem: tuple[str, str] | None = None


@dataclass(frozen=True)
class Signing:
    """Everything that a signing page says; ``more`` what an auditor compares; ``done`` signatures: who, how, when."""

    id: str
    kind: str
    rows: Sequence[Line]
    more: Sequence[Line]
    lenses: Sequence[Lens]
    done: Sequence[tuple[str, str, str]]
    signer: Signer | None
    signed: bool
    callers: Sequence[Signer]
    back: str
    until: str


def two(ko: str, en: str, tag: str = "p", more: str = "") -> str:
    """A sentence in both languages."""
    return f'<{tag}{more}>{escape(ko)} <span class="en" lang="en">{escape(en)}</span></{tag}>'


def page(files: Files, title: tuple[str, str], main: str) -> bytes:
    """A whole document."""
    script, style = files.script, files.style
    return (
        '<!doctype html>\n<html lang="ko"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title[0])} / {escape(title[1])}</title>"
        f'<link rel="stylesheet" href="{style[0]}" integrity="{style[1]}">'
        f'<script src="{script[0]}" integrity="{script[1]}" defer></script></head><body>'
        '<header><strong>키 저장소 서명 화면</strong> <span class="en" lang="en">key store: signing page</span>'
        "</header>"
        f'<main><h1>{escape(title[0])} <span class="en" lang="en">{escape(title[1])}</span></h1>{main}</main>'
        "</body></html>"
    ).encode()


def nothing(files: Files) -> bytes:
    """What an unknown, an ended and a mistaken address all give."""
    said = two(
        "서명할 것이 없거나 기한(15분)이 지났습니다.", "Nothing to sign here, or its 15 minutes are over.", "strong"
    )
    then = two("관제 화면에서 다시 여십시오.", "Open it again from the centre's page.")
    return page(files, OTHER, f'<section class="notice bad"><p>{said}</p>{then}</section>')


def _rows(rows: Iterable[Line]) -> str:
    made = []
    for row in rows:
        lines = "<br>".join(escape(line) for line in row.value.split("\n"))
        # a name of the centre's stands first, as what an eye looks for, and says whose word it is
        if row.said:
            by = two("센터가 말한 이름", "as the centre says", "small")
            plain = f"<span class='known'>{lines}</span>" if lines else ""
            lines = f"{escape(row.said)} {by}{plain}"
        made.append(f'<dt>{escape(row.ko)} <span class="en" lang="en">{escape(row.en)}</span></dt><dd>{lines}</dd>')
    return f"<dl>{''.join(made)}</dl>"


def _lenses(lenses: Sequence[Lens]) -> str:
    if not lenses:
        return ""
    rows = "".join(
        f"<tr><td>{lens.number}</td><td>{escape(lens.said) or '–'}</td><td class='known'>{escape(lens.known)}</td></tr>"
        for lens in lenses
    )
    count = len(lenses)
    title = two(f"영상정보처리기기 ({count})", "1 camera" if count == 1 else f"{count} cameras", "h2")
    first = '<th>번호</th><th>센터가 말한 이름 <span class="en" lang="en">as the centre names it</span></th>'
    known = '<th>키 저장소가 아는 기기 <span class="en" lang="en">as the key store knows it</span></th>'
    table = f"<table><thead><tr>{first}{known}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<section class="panel">{title}{table}</section>'


def _done(done: Sequence[tuple[str, str, str]]) -> str:
    title = two("지금까지 한 서명", "Signed so far", "h2")
    if not done:
        return f"<section class='panel'>{title}{two('아직 없습니다.', 'Nobody yet.')}</section>"
    items = "".join(
        f"<li><b>{escape(who)}</b> · {escape(how)} · <time>{escape(at)}</time></li>" for who, how, at in done
    )
    return f"<section class='panel'>{title}<ul>{items}</ul></section>"


def _more(rows: Sequence[Line]) -> str:
    if not rows:
        return ""
    title = two("대조용 항목", "For comparison", "h2")
    return f"<section class='panel more'>{title}{_rows(rows)}</section>"


def _means(kind: str) -> str:
    items = "".join(two(ko, en, "li") for ko, en in (*DOES.get(kind, ()), *NEVER))
    return (
        f"<section class='panel'>{two('서명하면', 'What signing does', 'h2')}<ul class='means'>{items}</ul></section>"
    )


def _who(signer: Signer) -> str:
    name = f"<b>{escape(signer.said)}</b> " if signer.said else ""
    return f"<p class='who'>{two('서명하는 사람', 'Signing as', 'small')}<br>{name}{escape(signer.office)}</p>"


def _key(signing: Signing, signer: Signer) -> str:
    if signing.signed:
        return f"<div class='notice ok'>{two('이미 서명하였습니다.', 'You have signed this already.')}</div>"
    if signer.problem:
        why = two(*signer.problem, "strong")
        then = two("관리책임자에게 문의하십시오.", "Ask the manager.")
        return f"<div class='notice bad'><p>{why}</p>{then}</div>"
    return (
        "<button type='button' id='key' class='primary' hidden>보안키로 서명"
        " <span class='en' lang='en'>Sign with my security key</span></button>"
    )


def _code(signing: Signing) -> str:
    if not signing.callers:
        return ""
    names = "".join(
        f"<option value='{escape(c.id)}'>{escape(f'{c.said} · {c.office}' if c.said else c.office)}</option>"
        for c in signing.callers
    )
    return (
        "<form id='spoken' hidden autocomplete='off'>"
        + two("전화 승인코드", "Spoken approval code", "h3")
        + "<label for='caller'>코드를 불러 준 승인자 <span class='en' lang='en'>approver on the phone</span></label>"
        + f"<select id='caller'>{names}</select>"
        + "<label for='code'>숫자 8자리 <span class='en' lang='en'>8 digits</span></label>"
        + "<input id='code' inputmode='numeric' pattern='[0-9]{8}' maxlength='8' autocomplete='off' required>"
        + "<button>전화 승인코드로 승인 <span class='en' lang='en'>Approve by the spoken code</span></button></form>"
    )


def signing(files: Files, said: Signing) -> bytes:
    """The page of one act that waits for signatures."""
    if said.signer is None:
        act = two(
            "서명하는 사람이 등록된 담당공무원이 아닙니다.", "Who would sign here is no registered officer.", "strong"
        )
        act = f"<div class='notice bad'><p>{act}</p></div>"
    else:
        act = _who(said.signer) + _key(said, said.signer) + _code(said)
    back = (
        f"<a id='back' href='{escape(said.back)}'>관제 화면으로 돌아가기 <span class='en' lang='en'>back to the centre"
        "</span></a>"
        if said.back
        else ""
    )
    script = two("서명하려면 스크립트가 켜져 있어야 합니다.", "Signing needs a script; it is switched off.")
    person = said.signer.id if said.signer else ""
    main = (
        f"<div class='split'><div><section class='panel'>{two('내용', 'What it is', 'h2')}{_rows(said.rows)}</section>"
        f"{_lenses(said.lenses)}{_done(said.done)}{_means(said.kind)}{_more(said.more)}</div>"
        f"<section class='panel act' id='act' data-page='sign' data-id='{said.id}' data-person='{person}'"
        f" data-signed='{int(said.signed)}' aria-labelledby='act-title'>"
        f"<h2 id='act-title'>서명 <span class='en' lang='en'>Sign</span></h2>{act}"
        f"<div id='say' role='alert' hidden></div><noscript>{script}</noscript>"
        f"<p class='until'>{two('서명 기한', 'Open until', 'small')} <time>{escape(said.until)}</time></p>{back}"
        "</section></div>"
    )
    return page(files, TITLES.get(said.kind, OTHER), main)


def registering(files: Files, ticket: str, rows: Sequence[Line], fingerprint: str) -> bytes:
    """The page where one officer makes one security key, by a console's ticket; ``fingerprint`` once it is made."""
    title = ("보안키 등록", "Register a security key")
    means = "".join(
        two(ko, en, "li")
        for ko, en in (
            ("이 보안키로 하는 서명은 본인의 서명입니다. 다른 사람에게 빌려주지 마십시오.",
             "What this key signs is signed by you. Lend it to nobody."),
            ("지문이나 PIN을 쓰는 보안키만 등록됩니다.", "Only keys that ask for a fingerprint or a PIN are taken."),
            ("잃어버리면 바로 알리십시오. 다른 담당공무원 2명이 해제합니다.",
             "Say at once when it is lost: two other officers retire it."),
        )
    )  # fmt: skip
    script = two("등록하려면 스크립트가 켜져 있어야 합니다.", "Registering needs a script; it is switched off.")
    if fingerprint:
        act = f"<p id='fingerprint'>{escape(fingerprint)}</p>{two('이미 만든 키의 지문입니다.', 'The key is made.')}"
    else:
        act = (
            "<button type='button' id='key' class='primary' hidden>보안키 등록 "
            "<span class='en' lang='en'>Register my security key</span></button>"
        )
    whose = two("누구의 키인가", "Whose key", "h2")
    main = (
        f"<div class='split'><div><section class='panel'>{whose}{_rows(rows)}</section>"
        f"<section class='panel'><ul class='means'>{means}</ul></section></div>"
        f"<section class='panel act' id='act' data-page='register' data-id='{ticket}' aria-labelledby='act-title'>"
        "<h2 id='act-title'>등록 <span class='en' lang='en'>Register</span></h2>"
        f"{act}"
        f"<div id='say' role='alert' hidden></div><noscript>{script}</noscript></section></div>"
    )
    return page(files, title, main)
