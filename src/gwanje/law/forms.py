"""Forms as data (별지 서식): ``packs/<pack>/forms/*.yaml``, one schema for the blank, the filled and the web form.

A schema says what the printed source has: its label, its boxes, its tables, its sentences and who signs. It holds no
layout of any one output. What does not fit the schema does not load (``PackError``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar, get_args

from gwanje.law.packs import Article, Pack
from gwanje.law.schema import PackError, Row, read, rows

FieldType = Literal[
    "text", "longtext", "date", "time", "datetime", "period", "int", "phone", "birth", "address", "choice", "check",
    "camera", "person", "signature",
]  # fmt: skip
Orientation = Literal["portrait", "landscape"]
RegisterLayout = Literal["table", "cards"]
Place = Literal["body", "lead", "remark", "boxed", "heading"]
W = TypeVar("W", bound=str)
FORMS_MAX, BLOCKS_MAX, ROWS_MAX, CELLS_MAX, COLUMNS_MAX, OPTIONS_MAX, BLANK_ROWS_MAX = 40, 60, 60, 4, 16, 30, 60
TEXT_MAX, FIELD_MAX = 4000, 40_000
# what a form is for, in words that every city's pack shares; rooms ask for a form by it and never by its id
SERVES = (
    "inspection.journal", "extension.application", "subject.request", "disclosure.ledger", "disclosure.receipt",
    "camera.status", "camera.purposes", "policy.departments",
)  # fmt: skip
# characters that may be typed into a field that names no limit of its own
LENGTHS: dict[str, int] = {
    "text": 200, "longtext": 1000, "date": 10, "time": 8, "datetime": 19, "period": 80, "int": 9, "phone": 40,
    "birth": 20, "address": 300, "choice": 40, "check": 1, "camera": 200, "person": 100, "signature": 100,
}  # fmt: skip
_NAME = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*")
SLOT = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True)
class Option:
    """One box to tick (선택 항목): ``id`` is what a value says."""

    id: str
    ko: str
    en: str


@dataclass(frozen=True)
class Field:
    """One labelled field (항목) or one column of a register.

    ``max``: characters (digits of an ``int``); ``span``: pairs of label and value that a cell takes of its row, the
    last cell of a row takes what is left; ``width``: share of a register's width; ``example``: the source's own
    example, printed only in a blank form; ``suffix``: printed behind the value, such as (서명 또는 인); ``group``:
    the heading that a register's neighbouring columns share; ``office``: written by the office, never by a citizen.
    """

    name: str
    ko: str
    en: str
    type: FieldType
    max: int
    required: bool = False
    span: int = 1
    width: int = 10
    example: str = ""
    suffix: str = ""
    group: str = ""
    group_en: str = ""
    options: tuple[Option, ...] = ()
    office: bool = False


@dataclass(frozen=True)
class Checks:
    """Boxes in one row (선택란). A value is the list of the ticked options' ids.

    ``under_title``: in brackets below the title.
    """

    name: str
    options: tuple[Option, ...]
    under_title: bool = False
    required: bool = False
    kind: Literal["checks"] = "checks"


@dataclass(frozen=True)
class Fields:
    """A labelled table (항목표); ``heading`` stands at its left over all rows, empty where the source has none."""

    heading: str
    heading_en: str
    rows: tuple[tuple[Field, ...], ...]
    kind: Literal["fields"] = "fields"


@dataclass(frozen=True)
class Register:
    """A list with columns (대장). A value is a list of maps by column name.

    ``rows``: empty lines when printed blank; ``fixed``: rows that the source itself prints, by column; ``layout``:
    ``table`` or ``cards`` (one labelled table an entry, headed by the column ``card``); ``most``: entries at most.
    """

    name: str
    heading: str
    heading_en: str
    columns: tuple[Field, ...]
    rows: int
    fixed: tuple[tuple[str, ...], ...] = ()
    layout: RegisterLayout = "table"
    card: str = ""
    most: int = 5000
    kind: Literal["register"] = "register"


@dataclass(frozen=True)
class Text:
    """A sentence of the source (문구); ``{name}`` stands for a field's value.

    ``place``: ``body``, ``lead`` (small, above the tables), ``remark`` (small, at the end), ``boxed`` (in a frame),
    ``heading`` (bold).
    """

    ko: str
    en: str
    place: Place = "body"
    kind: Literal["text"] = "text"


@dataclass(frozen=True)
class Sign:
    """The date line (연월일) and the lines to sign (서명란); ``date``: name of the declared date field, or empty."""

    date: str
    lines: tuple[Field, ...]
    kind: Literal["sign"] = "sign"


@dataclass(frozen=True)
class Attachments:
    """What has to be handed in (첨부서류)."""

    ko: tuple[str, ...]
    en: tuple[str, ...]
    kind: Literal["attachments"] = "attachments"


@dataclass(frozen=True)
class Letter:
    """A letter's body (공문 본문): numbered paragraphs, ``{name}`` stands for a field's value."""

    paragraphs: tuple[Text, ...]
    kind: Literal["letter"] = "letter"


Block = Checks | Fields | Register | Text | Sign | Attachments | Letter


@dataclass(frozen=True)
class FormSchema:
    """One form of a pack (서식): ``article`` gives its rank, its dates and the foot of its page.

    ``fields``: declared fields that stand in sentences only; ``source_fields``: the labels that the printed source
    has, in its order; ``public``: a citizen's own form, offered blank to everybody; ``serves``: one of ``SERVES``, by
    which a room finds the city's form, or empty.
    """

    pack: str
    id: str
    label: str
    title: str
    title_en: str
    article: Article
    face: str
    orientation: Orientation
    deadline: str
    approvals: tuple[str, ...]
    addressee: str
    public: bool
    serves: str
    fields: tuple[Field, ...]
    blocks: tuple[Block, ...]
    source_fields: tuple[str, ...]

    @cached_property
    def declared(self) -> dict[str, Field | Checks | Register]:
        """Everything that can have a value, by name, in the order of the form."""
        found: dict[str, Field | Checks | Register] = {}
        for one in _named(self.fields, self.blocks):
            found.setdefault(one.name, one)
        return found

    def field(self, name: str) -> Field:
        """One plain field; KeyError when the form has none of that name."""
        found = self.declared[name]
        if not isinstance(found, Field):
            raise KeyError(name)
        return found


def slots(text: str) -> tuple[str, ...]:
    """Names in braces in a sentence, in order (빈칸 이름)."""
    return tuple(SLOT.findall(text))


def _named(fields: tuple[Field, ...], blocks: tuple[Block, ...]) -> Iterator[Field | Checks | Register]:
    for block in blocks:
        if isinstance(block, Checks | Register):
            yield block
        elif isinstance(block, Fields):
            for row in block.rows:
                yield from row
        elif isinstance(block, Sign):
            yield from block.lines
    yield from fields


def load_forms(pack: Pack) -> tuple[FormSchema, ...]:
    """Every form of one pack in the order of their file names; PackError names file, place and remedy."""
    files = sorted((pack.folder / "forms").glob("*.yaml"))
    if len(files) > FORMS_MAX:
        raise PackError(f"{pack.id}/forms", f"서식은 {FORMS_MAX}개까지입니다", f"at most {FORMS_MAX} forms")
    found = tuple(_form(Row(read(file), f"{pack.id}/forms/{file.name}"), pack, file.stem) for file in files)
    twice = {f.id for f in found if sum(g.id == f.id for g in found) > 1}
    if twice:
        raise PackError(f"{pack.id}/forms", f"같은 서식이 두 번 나옵니다: {twice}", f"stands twice: {twice}")
    return found


def _form(row: Row, pack: Pack, stem: str) -> FormSchema:
    key, named = row.text("id"), row.text("article")
    if key != stem:
        raise row.fail("id", f"파일 이름 {stem}과 다릅니다", f"differs from the file name {stem}")
    article = pack.by_id.get(named)
    if article is None:
        raise row.fail("article", f"이 묶음에 없는 조문입니다: {named!r}", f"no such article: {named!r}")
    listed = rows(row.get("blocks", list), f"{row.place}, blocks")
    if not 0 < len(listed) <= BLOCKS_MAX:
        raise row.fail("blocks", f"1개 이상 {BLOCKS_MAX}개까지", f"between 1 and {BLOCKS_MAX}")
    form = FormSchema(
        pack=pack.id,
        id=key,
        label=row.text("label", ""),
        title=row.text("title"),
        title_en=row.text("title_en"),
        article=article,
        face=row.text("face", ""),
        orientation=_one_of(row, "orientation", get_args(Orientation), "portrait"),
        deadline=row.text("deadline", ""),
        approvals=row.texts("approvals", []),
        addressee=row.text("addressee", ""),
        public=row.get("public", bool, False),
        serves=_one_of(row, "serves", ("", *SERVES), ""),
        fields=tuple(_field(one) for one in rows(row.get("fields", list, []), f"{row.place}, fields", "name")),
        blocks=tuple(_block(one) for one in listed),
        source_fields=row.texts("source_fields"),
    )
    row.done()
    _check(row, form)
    return form


def _check(row: Row, form: FormSchema) -> None:
    names = [one.name for one in _named(form.fields, form.blocks)]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise row.fail("name", f"두 번 나오는 이름: {twice}", f"a name stands twice: {twice}")
    for block in form.blocks:
        said = block.paragraphs if isinstance(block, Letter) else (block,) if isinstance(block, Text) else ()
        used = [s for text in said for s in (*slots(text.ko), *slots(text.en))]
        used += [block.date] if isinstance(block, Sign) and block.date else []
        unknown = [s for s in used if not isinstance(form.declared.get(s), Field)]
        if unknown:
            raise row.fail("blocks", f"적히지 않은 항목의 이름: {unknown}", f"names of no declared field: {unknown}")
    if not form.source_fields:
        raise row.fail("source_fields", "원문의 항목 목록이 있어야 합니다", "the source's own labels are missing")


def _one_of(row: Row, key: str, allowed: tuple[W, ...], default: W) -> W:
    said = row.text(key, default)
    found = next((word for word in allowed if word == said), None)
    if found is None:
        raise row.fail(key, f"{', '.join(allowed)} 가운데 하나여야 합니다", f"must be one of {', '.join(allowed)}")
    return found


def _number(row: Row, key: str, default: int, low: int, high: int) -> int:
    found: int = row.get(key, int, default)
    if not low <= found <= high:
        raise row.fail(key, f"{low} 이상 {high} 이하여야 합니다", f"must be between {low} and {high}")
    return found


def _name(row: Row) -> str:
    found = row.text("name")
    if not _NAME.fullmatch(found):
        raise row.fail("name", "영문 소문자로 된 이름이어야 합니다", "must be a name in small Latin letters")
    return found


def _sentence(row: Row, key: str, default: str | None = None) -> str:
    found = row.text(key) if default is None else row.text(key, default)
    if len(found) > TEXT_MAX or any(unicodedata.category(c) == "Cc" and c != "\n" for c in found):
        raise row.fail(key, f"{TEXT_MAX}자 이하의 글이어야 합니다", f"must be a text of at most {TEXT_MAX} letters")
    return found


def _options(row: Row) -> tuple[Option, ...]:
    out = []
    for one in rows(row.get("options", list, []), f"{row.place}, options", "id"):
        out.append(Option(one.text("id"), one.text("ko"), one.text("en")))
        one.done()
    if len(out) > OPTIONS_MAX or len({o.id for o in out}) < len(out):
        raise row.fail("options", f"서로 다른 {OPTIONS_MAX}개까지", f"at most {OPTIONS_MAX}, each once")
    return tuple(out)


def _field(row: Row, default: FieldType = "text") -> Field:
    kind: FieldType = _one_of(row, "type", get_args(FieldType), default)
    options = _options(row)
    if (kind == "choice") != bool(options):
        raise row.fail("options", "choice에만, 그리고 반드시 적습니다", "stand with a choice, and only there")
    made = Field(
        name=_name(row),
        ko=row.text("ko"),
        en=row.text("en"),
        type=kind,
        max=_number(row, "max", LENGTHS[kind], 1, FIELD_MAX),
        required=row.get("required", bool, False),
        span=_number(row, "span", 1, 1, CELLS_MAX),
        width=_number(row, "width", 10, 1, 100),
        example=_sentence(row, "example", ""),
        suffix=row.text("suffix", ""),
        group=row.text("group", ""),
        group_en=row.text("group_en", ""),
        options=options,
        office=row.get("office", bool, False),
    )
    row.done()
    return made


def _checks(row: Row) -> Checks:
    options = _options(row)
    if not options:
        raise row.fail("options", "하나 이상 있어야 합니다", "at least one is needed")
    return Checks(_name(row), options, row.get("under_title", bool, False), row.get("required", bool, False))


def _fields(row: Row) -> Fields:
    out = []
    for number, line in enumerate(row.get("rows", list), 1):
        cells = tuple(_field(one) for one in rows(line, f"{row.place}, row {number}", "name"))
        if not 0 < len(cells) <= CELLS_MAX:
            raise row.fail("rows", f"한 줄에 1~{CELLS_MAX}칸", f"1 to {CELLS_MAX} cells a row")
        out.append(cells)
    if not 0 < len(out) <= ROWS_MAX:
        raise row.fail("rows", f"1~{ROWS_MAX}줄", f"1 to {ROWS_MAX} rows")
    return Fields(row.text("heading", ""), row.text("heading_en", ""), tuple(out))


def _register(row: Row) -> Register:
    columns = tuple(_field(one) for one in rows(row.get("columns", list), f"{row.place}, columns", "name"))
    fixed = tuple(tuple(map(str, line)) for line in row.get("fixed", list, []))
    layout: RegisterLayout = _one_of(row, "layout", get_args(RegisterLayout), "table")
    card = row.text("card", "")
    names = [c.name for c in columns]
    if not 0 < len(columns) <= COLUMNS_MAX or len(set(names)) < len(names):
        raise row.fail("columns", f"서로 다른 1~{COLUMNS_MAX}열", f"1 to {COLUMNS_MAX} columns, each once")
    if any(len(line) != len(columns) for line in fixed):
        raise row.fail("fixed", "열의 수와 다릅니다", "has another number of cells than columns")
    if (layout == "cards") != bool(card) or (card and card not in names):
        raise row.fail("card", "cards에만, 열 이름으로 적습니다", "stands with cards only and names a column")
    return Register(
        name=_name(row),
        heading=row.text("heading", ""),
        heading_en=row.text("heading_en", ""),
        columns=columns,
        rows=_number(row, "rows", 0 if fixed else 10, 0, BLANK_ROWS_MAX),
        fixed=fixed,
        layout=layout,
        card=card,
        most=_number(row, "most", 5000, 1, 5000),
    )


def _text(row: Row) -> Text:
    place: Place = _one_of(row, "place", get_args(Place), "body")
    return Text(_sentence(row, "ko"), _sentence(row, "en"), place)


def _sign(row: Row) -> Sign:
    lines = tuple(_field(one, "signature") for one in rows(row.get("lines", list, []), f"{row.place}, lines", "name"))
    return Sign(row.text("date", ""), lines)


def _attachments(row: Row) -> Attachments:
    ko, en = row.texts("ko"), row.texts("en", [])
    if en and len(en) != len(ko):
        raise row.fail("en", "국문과 수가 다릅니다", "has another number than the Korean ones")
    return Attachments(ko, en or ko)


def _letter(row: Row) -> Letter:
    out = []
    for one in rows(row.get("paragraphs", list), f"{row.place}, paragraphs"):
        out.append(_text(one))
        one.done()
    if not 0 < len(out) <= ROWS_MAX:
        raise row.fail("paragraphs", f"1~{ROWS_MAX}개", f"1 to {ROWS_MAX}")
    return Letter(tuple(out))


_KINDS: dict[str, Callable[[Row], Block]] = {
    "checks": _checks, "fields": _fields, "register": _register, "text": _text, "sign": _sign,
    "attachments": _attachments, "letter": _letter,
}  # fmt: skip


def _block(row: Row) -> Block:
    kind = row.text("kind")
    if kind not in _KINDS:
        raise row.fail("kind", f"{', '.join(_KINDS)} 가운데 하나여야 합니다", f"must be one of {', '.join(_KINDS)}")
    made = _KINDS[kind](row)
    row.done()
    return made
