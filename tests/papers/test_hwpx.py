"""HWPX (한글 문서): the package and its parts as KS X 6101 has them, read by a reader that is not the writer."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace

import pytest
from lxml import etree

from gwanje.centre.common.papers import hwpx, owpml
from gwanje.centre.common.papers.layout import sheet
from gwanje.centre.common.papers.owpml import Cell, Document, Paragraph, Table
from gwanje.centre.common.papers.values import Faults, printed
from gwanje.law.forms import Checks, Fields, FormSchema, Register, Sign
from support.owpml_reader import Wrong, read
from support.papers import filled, forms

A4 = (59528, 84186)


def any_f2() -> FormSchema:
    return forms()["ANY-F2"]


def words(text: str) -> str:
    return " ".join(text.split())


def names_of(raw: bytes) -> set[str]:
    return set(read(raw).fields)


def one_table(*rows: tuple[Cell, ...], widths: tuple[int, ...], header_rows: int = 0) -> Document:
    return Document("표", False, (Table(widths, rows, header_rows),))


@pytest.mark.parametrize("name", sorted(forms()))
def test_every_form_blank_is_a_whole_document(name: str) -> None:
    schema = forms()[name]
    paper = read(hwpx.render(schema, None))
    assert paper.title == schema.title
    assert paper.page == (A4 if schema.orientation == "portrait" else A4[::-1])
    assert all(grid.width <= paper.body for grid in paper.tables)
    said = "\n".join(paper.texts)
    for word in (schema.label, schema.face, schema.title, schema.deadline, schema.addressee, *schema.approvals):
        assert word in said
    assert paper.foot == f"{schema.article.ref}"
    # every field has its named place, or stands in a sentence
    placed = {name for name in schema.declared if not isinstance(schema.declared[name], Register)}
    in_sentences = {field.name for field in schema.fields} - {
        block.date for block in schema.blocks if isinstance(block, Sign)
    }
    assert placed - in_sentences <= set(paper.fields)


@pytest.mark.parametrize("name", sorted(forms()))
def test_every_field_of_a_filled_form_is_read_back(name: str) -> None:
    schema = forms()[name]
    values = filled(schema)
    paper = read(hwpx.render(schema, values))
    said, fields = "\n".join(paper.texts), paper.fields
    for key, one in schema.declared.items():
        if isinstance(one, Checks):
            ticked = [o.ko for o in one.options if f"■ {o.ko}" in fields[key]]
            assert ticked == [o.ko for o in one.options if o.id in values[key]]
        elif isinstance(one, Register):
            first = len(one.fixed)
            for number, entry in enumerate(values[key], first + 1):
                for column in one.columns:
                    # a narrow column puts each choice on a line of its own
                    assert words(fields[f"{key}.{number}.{column.name}"]) == words(printed(column, entry[column.name]))
        elif key in fields:
            assert fields[key].removesuffix(one.suffix).rstrip() == printed(one, values[key])
        else:
            assert printed(one, values[key]) in said


def test_boxes_approvals_and_deadline_stand_where_the_paper_has_them() -> None:
    paper = read(hwpx.render(any_f2(), {"kinds": ["view", "delete"]}))
    head = paper.tables[0]
    assert (head.rows, head.columns) == (2, 2)
    assert head.line(0) == ["개인영상정보 청구서", "처리기한"]
    assert head.line(1) == ["( □ 존재확인   ■ 열람   □ 이용   □ 제공   ■ 삭제 )", "10일 이내"]
    journal = read(hwpx.render(forms()["ANY-F1"], None))
    stamps = journal.tables[0]
    assert stamps.line(0) == ["결\n재", "담당", "팀장", "과장"]
    assert stamps.align == "RIGHT"
    assert [box.down for box in stamps.boxes] == [2, 1, 1, 1, 1, 1, 1]
    assert min(box.height for box in stamps.boxes if box.row == 1) >= round(14 * owpml.MM)


def test_the_addressee_follows_the_signature_and_the_office_part_comes_after() -> None:
    paper = read(hwpx.render(any_f2(), None))
    texts = paper.texts
    assert texts.index("청구인", 20) < texts.index("안양시장 귀하") < texts.index("담당공무원 성명")


def test_merged_heading_covers_its_rows() -> None:
    applicant = next(g for g in read(hwpx.render(any_f2(), None)).tables if g.boxes[0].text == "청구인")
    heading = applicant.boxes[0]
    assert (heading.row, heading.column, heading.down, heading.across) == (0, 0, 3, 1)
    address = next(box for box in applicant.boxes if box.name == "applicant.address")
    assert (address.row, address.column, address.across) == (2, 2, 3)


def test_what_the_applicant_writes_stands_inside_a_thick_line_and_the_offices_part_does_not() -> None:
    """굵은 선 안쪽의 사항만 적어 주시기 바랍니다, the form itself says."""
    paper = read(hwpx.render(any_f2(), None))
    applicant, office = (
        next(grid for grid in paper.tables if any(box.name == name for box in grid.boxes))
        for name in ("applicant.name", "officer.name")
    )
    for box in applicant.boxes:
        edges = {"left"} if box.column == 0 else set()
        edges |= {"right"} if box.column + box.across == applicant.columns else set()
        edges |= {"top"} if box.row == 0 else set()
        edges |= {"bottom"} if box.row + box.down == applicant.rows else set()
        assert paper.thick(box) == edges
    assert {side for box in office.boxes for side in paper.thick(box)} == set()
    assert all(len(paper.lines[box.fill]) == 4 for box in (*applicant.boxes, *office.boxes))


def test_the_same_words_are_the_same_bytes() -> None:
    schema, values = any_f2(), filled(any_f2())
    assert hwpx.render(schema, values) == hwpx.render(schema, values)
    assert hwpx.render(schema, values) != hwpx.render(schema, {**values, "reason": "다른 사유"})


def test_no_entry_has_a_time_or_a_system_of_its_own() -> None:
    with zipfile.ZipFile(io.BytesIO(hwpx.render(any_f2(), None))) as file:
        assert {one.date_time for one in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {one.filename for one in file.infolist() if one.compress_type == zipfile.ZIP_STORED} == {"mimetype"}
        for one in file.namelist():
            if one.endswith((".xml", ".hpf", ".rdf")):
                assert file.read(one).startswith(b"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>")


def test_markup_is_text() -> None:
    hostile = "<hp:tbl/>&lt;b&gt; ]]> <!-- &amp; <?x?> {reason} {{ }} ${jndi:x} =1+1 @SUM(A1) -2 \\u0000"
    raw = hwpx.render(any_f2(), {"reason": hostile, "applicant.name": "</hp:t>"})
    assert read(raw).fields["reason"] == hostile
    assert read(raw).fields["applicant.name"] == "</hp:t>"


def test_a_value_with_braces_stands_in_a_sentence_as_it_is() -> None:
    schema = forms()["ANY-F1"]
    paper = read(hwpx.render(schema, {"centre": "{month} 관제센터", "month": "2026-11"}))
    assert "{month} 관제센터  2026-11" in paper.texts


def test_control_characters_and_halves_of_letters_never_reach_the_file() -> None:
    hostile = "가\x00나\x07다\x1b[31m라\x7f마\x85바\ud800사\ufffe아\uffff자\x0b차"
    raw = hwpx.render(any_f2(), {"reason": hostile, "applicant.name": hostile})
    # a line break of any kind is a line break where lines are, a space where none are
    assert read(raw).fields["reason"] == "가나다[31m라마\n바사아자\n차"
    assert read(raw).fields["applicant.name"] == "가나다[31m라마 바사아자 차"


def test_emoji_rare_syllables_and_old_hangul_are_kept() -> None:
    rare = "뷁 쀍 𠮷 龘 한 ᄒᆞᆫ글 👮🏽\u200d♀️ 🇰🇷 ﷽ ㎡ ½"
    kept = rare.replace("한", "한")  # NFC: a decomposed syllable is the one that was meant
    assert read(hwpx.render(any_f2(), {"reason": rare})).fields["reason"] == kept


def test_two_hundred_characters_and_four_lines_need_more_room_and_get_it() -> None:
    schema = any_f2()
    address = "\n".join(f"경기도 안양시 동안구 시민대로 235, {line}번째 줄 101동 1101호" for line in range(1, 5))
    name = "W" * 60
    wide = read(hwpx.render(schema, {"applicant.address": address, "camera": "동" * 200, "applicant.name": name}))
    bare = read(hwpx.render(schema, None))
    assert wide.fields["applicant.address"] == address
    assert wide.fields["camera"] == "동" * 200

    def height(paper, field):  # type: ignore[no-untyped-def]
        return next(box.height for grid in paper.tables for box in grid.boxes if box.name == field)

    # four lines of 10 points, and 200 syllables of 10 points over the cell's width
    assert height(wide, "applicant.address") >= 4 * 1000
    cell = next(box for grid in wide.tables for box in grid.boxes if box.name == "camera")
    assert cell.height >= -(-200 * 1000 // cell.width) * 1000
    assert height(wide, "applicant.name") > height(bare, "applicant.name")


def test_a_list_of_two_thousand_rows_is_paged_and_its_header_repeats() -> None:
    schema = forms()["ANY-F1"]
    rows = [{"no": number, "name": f"카메라 {number}"} for number in range(1, 2001)]
    paper = read(hwpx.render(schema, {"entries": rows}))
    lists = [grid for grid in paper.tables if grid.columns == 9]
    assert [grid.rows for grid in lists] == [501] * 4
    assert all(grid.repeats and {box.row for box in grid.boxes if box.header} == {0} for grid in lists)
    assert all(grid.line(0)[0] == "순번" for grid in lists)
    assert paper.fields["entries.2000.name"] == "카메라 2000"


def test_more_rows_than_a_list_may_have_are_refused_in_both_languages() -> None:
    schema = forms()["ANY-F1"]
    most = schema.declared["entries"].most  # type: ignore[union-attr]
    with pytest.raises(Faults) as caught:
        hwpx.render(schema, {"entries": [{"no": 1}] * (most + 1)})
    assert f"{most:,}줄" in caught.value.ko
    assert f"{most:,} lines" in caught.value.en


def test_ten_thousand_characters_are_refused_with_the_limit() -> None:
    with pytest.raises(Faults, match="1,000 characters"):
        hwpx.render(any_f2(), {"reason": "가" * 10_000})


def test_an_empty_list_says_so() -> None:
    paper = read(hwpx.render(forms()["ANY-F1"], {"entries": []}))
    assert "해당 사항이 없습니다." in paper.texts


def test_grouped_columns_have_two_header_rows() -> None:
    journal = forms()["ANY-F1"]
    register = next(block for block in journal.blocks if isinstance(block, Register))
    columns = [replace(one, group="장애" if 3 <= at <= 5 else "") for at, one in enumerate(register.columns)]
    grouped = replace(journal, blocks=(replace(register, columns=tuple(columns)),))
    grid = read(hwpx.render(grouped, None)).tables[-1]
    assert grid.line(0) == ["순번", "명칭", "관리번호", "장애", "점검내역", "처리결과", "기타사항"]
    assert grid.line(1) == ["장애발생일자", "장애처리일자", "장애내용"]
    assert {box.row for box in grid.boxes if box.header} == {0, 1}


def test_cards_are_one_labelled_table_an_entry() -> None:
    journal = forms()["ANY-F1"]
    register = next(block for block in journal.blocks if isinstance(block, Register))
    cards = replace(journal, blocks=(replace(register, layout="cards", card="name"),))
    paper = read(hwpx.render(cards, {"entries": [{"no": 1, "name": "문"}, {"no": 2, "name": "창", "note": "<b>"}]}))
    assert [grid.line(0) for grid in paper.tables if grid.columns == 2] == [["문"], ["창"]]
    assert paper.fields["entries.2.note"] == "<b>"


def test_as_many_cells_in_a_row_as_a_form_may_have_stay_inside_the_page() -> None:
    schema = any_f2()
    block = next(one for one in schema.blocks if isinstance(one, Fields))
    cells = tuple(replace(block.rows[0][0], name=f"cell{number}", span=4, max=200) for number in range(4))
    for heading in ("", "표제"):
        crowded = replace(schema, blocks=(replace(block, heading=heading, rows=(cells,)),), fields=())
        paper = read(hwpx.render(crowded, {"cell0": "가" * 200, "cell3": "끝"}))
        grid = paper.tables[-1]
        assert grid.width <= paper.body
        assert min(box.width for box in grid.boxes) > 2 * owpml.CELL_MARGIN
        assert paper.fields["cell3"] == "끝"


def test_a_table_that_is_no_rectangle_is_not_written() -> None:
    for rows, what in (
        (((Cell("a"), Cell("b")), (Cell("c"),)), "no cell"),
        (((Cell("a", across=3),),), "does not fit"),
        (((Cell("a", down=2), Cell("b")), (Cell("c"), Cell("d"))), "does not fit"),
        (((Cell("a", down=2, across=2),), ()), "no cell of its own"),
        ((), "outside the limits"),
        (((Cell("a"), Cell("b")),) * 2_101, "outside the limits"),
    ):
        with pytest.raises(ValueError, match=what):
            owpml.package(one_table(*rows, widths=(20_000, 20_000)))


def test_what_xml_cannot_hold_never_reaches_a_part_wherever_it_stands() -> None:
    """Without the cleaning of a form's values before it: title, paragraph, cell, name and foot."""
    hostile = "가\x00\x0b\x1b\x7f\x85\ud800\ufffe\U0001ffff\ufdd0나"
    table = Table((20_000,), ((Cell(hostile, name=hostile),),))
    paper = read(owpml.package(Document(hostile, False, (Paragraph(hostile), table), footer=hostile)))
    assert (paper.title, paper.texts, paper.fields, paper.foot) == ("가나", ["가나"] * 2, {"가나": "가나"}, "가나")


def test_a_tall_cell_beside_short_rows_has_the_room_it_needs() -> None:
    tall = Cell("가" * 60, down=2)
    rows = ((tall, Cell("짧음")), (Cell("짧음"),))
    grid = read(owpml.package(one_table(*rows, widths=(6_000, 20_000)))).tables[0]
    # 60 syllables of 10 points, at most four in a line of 6,000
    assert next(box.height for box in grid.boxes if box.down == 2) >= 60 // 4 * 1000


def test_column_widths_add_up_to_the_page() -> None:
    for shares in ([4, 14, 9, 9, 9, 15, 15, 14, 11], [1], [1, 1, 1], [50, 32, 18]):
        assert sum(owpml.columns(shares, 48_190)) == 48_190


def test_the_reader_finds_what_is_wrong() -> None:
    """The proof is worth what the reader sees: files that were spoilt on purpose are refused."""
    whole = hwpx.render(any_f2(), None)

    def spoilt(part: str, before: bytes, after: bytes) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(whole)) as old, zipfile.ZipFile(out, "w") as new:
            for one in old.infolist():
                raw = old.read(one)
                assert part != one.filename or before in raw
                new.writestr(one, raw.replace(before, after, 1) if one.filename == part else raw)
        return out.getvalue()

    section, head = "Contents/section0.xml", "Contents/header.xml"
    assert read(spoilt(section, "청구인".encode(), "다른이".encode())).texts != read(whole).texts
    for part, before, after in (
        (section, b'colSpan="3"', b'colSpan="4"'),
        (section, b'rowSpan="3"', b'rowSpan="2"'),
        (section, b'charPrIDRef="1"', b'charPrIDRef="99"'),
        (section, b'rowAddr="1"', b'rowAddr="0"'),
        (section, b'name="reason"', b'name="camera"'),
        (head, b'<hh:borderFills itemCnt="', b'<hh:borderFills itemCnt="1'),
        ("Contents/content.hpf", b'href="settings.xml"', b'href="setting.xml"'),
        ("version.xml", b"tagetApplication", b"targetApplication"),
    ):
        with pytest.raises((Wrong, KeyError)):
            names_of(spoilt(part, before, after))


def test_preview_is_the_beginning_of_the_words() -> None:
    with zipfile.ZipFile(io.BytesIO(hwpx.render(any_f2(), None))) as file:
        preview = file.read("Preview/PrvText.txt").decode()
    assert preview.startswith("[별지 제2호서식]  (앞쪽)\r\n<개인영상정보 청구서><처리기한>")
    assert len(preview) <= owpml.PREVIEW_CHARS_MAX


def test_words_of_sheet_and_paper_are_the_same() -> None:
    """Nothing that the layout says is missing on paper."""
    for schema in forms().values():
        drawn = sheet(schema, None)
        said = "\n".join(read(hwpx.render(schema, None)).texts)
        for block in drawn["blocks"]:
            words = [block.get("text", ""), block.get("heading", "")]
            words += [cell["label"] for row in block.get("rows", []) if isinstance(row, list) for cell in row]
            words += [one["label"] for one in block.get("columns", [])] if block.get("layout") == "table" else []
            words += [one["text"] for one in block.get("paragraphs", [])]
            words += [one["text"] for one in block.get("boxes", [])]
            assert [word for word in words if word not in said] == []


def test_every_part_parses_without_entities() -> None:
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
    with zipfile.ZipFile(io.BytesIO(hwpx.render(any_f2(), filled(any_f2())))) as file:
        for name in file.namelist():
            if name.endswith((".xml", ".hpf", ".rdf")):
                raw = file.read(name)
                assert b"<!DOCTYPE" not in raw
                assert etree.fromstring(raw, parser) is not None


def test_lines_of_a_paragraph_are_paragraphs() -> None:
    paper = read(owpml.package(Document("글", False, (Paragraph("첫 줄\n둘째 줄"),))))
    assert paper.texts == ["첫 줄", "둘째 줄"]
