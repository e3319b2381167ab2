"""The national standard list: recognised, repaired, refused, written again."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gwanje.centre.cameras import national
from gwanje.centre.cameras.national.columns import WIDTH_13, WIDTH_14, WIDTH_18
from gwanje.centre.cameras.national.normalise import normalise

REAL = Path(__file__).parents[4] / "shared" / "data" / "cctv"
ROW = {
    "agency": "가온시청",
    "road_address": "가온로 12",
    "lot_address": "",
    "purpose": "생활방범",
    "cameras": "2",
    "pixels": "200",
    "direction": "360도전방면",
    "retention_days": "30",
    "installed": "2020-05",
    "phone": "031-123-4567",
    "lat": "37.39",
    "lon": "126.95",
    "data_date": "2024-07-01",
}


def real(name: str) -> bytes:
    file = REAL / name
    if not file.exists():
        pytest.skip(f"the shared data folder has no {name}")
    return file.read_bytes()


def lines(*rows: dict[str, str], header: tuple[str, ...] = WIDTH_13) -> bytes:
    names = {
        "설치년월": "installed",
        "설치연월": "installed",
        "위도": "lat",
        "경도": "lon",
        "WGS84위도": "lat",
        "WGS84경도": "lon",
    }
    order = dict(zip(WIDTH_13, [*ROW], strict=True)) | names
    out = [",".join(header)]
    for number, row in enumerate(rows, start=1):
        out.append(",".join(str(number) if h == "번호" else {**ROW, **row}.get(order.get(h, ""), "") for h in header))
    return "\n".join(out).encode()


@pytest.mark.parametrize(
    ("file", "rows", "refused"),
    [
        ("busan_standard14_utf8.csv", 15_737, 6),
        ("seoul_gangnam_standard13_cp949.csv", 1_880, 0),
    ],
)
def test_the_real_lists_are_accounted_for_row_by_row(file, rows, refused):
    report = national.read(real(file))
    assert report.rows == rows == len(report.accepted) + len(report.refused)
    assert len(report.refused) == refused
    assert len({row.identity for row in report.accepted}) == len(report.accepted)


def test_the_real_lists_show_their_faults():
    busan = national.read(real("busan_standard14_utf8.csv")).counts()
    assert busan["refused"] == {"coordinate_far": 4, "coordinate_zero": 1, "coordinate_outside": 1}
    assert busan["repaired"]["retention_zero"] == 878 - 1
    assert busan["repaired"]["installed_future"] == 1
    assert busan["remarked"]["many_cameras"] == 1
    gangnam = national.read(real("seoul_gangnam_standard13_cp949.csv")).counts()
    assert gangnam["repaired"]["installed_excel"] == 12


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("integrated_centres_20251231_xlsx_bytes.csv", "xlsx"),
        ("seongnam_reduced6_cp949.csv", "reduced"),
        ("seongnam_dirty17_cp949.csv", "hand_edited"),
        ("seoul_cctv_totals_by_gu_to2016.csv", "totals"),
        ("seoul_cctv_totals_by_gu_to2024.csv", "totals"),
        ("seoul_ansim_37k_noheader_utf8.csv", "no_header"),
    ],
)
def test_files_that_are_no_lists_are_told_what_they_are(file, kind):
    with pytest.raises(national.NotACameraList) as caught:
        national.read(real(file))
    assert caught.value.kind == kind
    assert caught.value.ko
    assert caught.value.en


@pytest.mark.parametrize("file", ["busan_standard14_utf8.csv", "seoul_gangnam_standard13_cp949.csv"])
def test_an_export_reads_back_as_the_same_rows(file):
    report = national.read(real(file))
    for columns, encoding in ((13, "cp949"), (14, "utf-8-sig"), (18, "cp949")):
        data = b"".join(national.write([row.place for row in report.accepted], columns=columns, encoding=encoding))
        again = national.read(data)
        assert [row.identity for row in again.accepted] == [row.identity for row in report.accepted]
        assert (again.repaired, again.refused, again.width, again.encoding) == (0, [], columns, encoding)


def test_widths_and_encodings_are_recognised_by_the_header():
    for header, width in ((WIDTH_13, 13), (WIDTH_14, 14), (WIDTH_18, 18)):
        text = lines({}, header=header).decode()
        for encoding in ("cp949", "utf-8", "utf-8-sig"):
            report = national.read(text.encode(encoding))
            assert (report.width, report.encoding, len(report.accepted)) == (width, encoding, 1)
    mixed = tuple(reversed(WIDTH_13))
    assert len(national.read(lines({}, header=mixed)).accepted) == 1


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"lat": "0.0", "lon": "0.0"}, "coordinate_zero"),
        ({"lat": ""}, "coordinate_zero"),
        ({"lat": "x"}, "coordinate_bad"),
        ({"lat": "51.5", "lon": "-0.1"}, "coordinate_outside"),
        ({"lat": "NaN"}, "coordinate_bad"),
        ({"purpose": "영업"}, "purpose_unknown"),
        ({"cameras": "0"}, "cameras_bad"),
        ({"cameras": "두 대"}, "cameras_bad"),
        ({"agency": ""}, "agency_blank"),
        ({"road_address": "도로명주소 부재"}, "address_blank"),
        ({"road_address": "=1+1"}, "text_control"),
        ({"direction": "\u202e오른쪽"}, "text_control"),
    ],
)
def test_a_row_is_refused_with_its_reason(cells, code):
    report = national.read(lines({}, cells))
    assert [(row.line, row.code) for row in report.refused] == [(3, code)]
    assert len(report.accepted) == 1


@pytest.mark.parametrize(
    ("cells", "code", "field", "value"),
    [
        ({"lat": "126.95", "lon": "37.39"}, "coordinate_swapped", "lat", "37.39"),
        ({"installed": "1905-07"}, "installed_excel", "installed", ""),
        ({"installed": "2027-02"}, "installed_future", "installed", ""),
        ({"installed": "202005"}, "installed_form", "installed", "2020-05"),
        ({"retention_days": "0"}, "retention_zero", "retention_days", None),
        ({"pixels": "0"}, "pixels_zero", "pixels", None),
        ({"agency": "가온시(안전과) 푸른구"}, "agency_spelling", "agency", "가온시 푸른구청"),
        ({"agency": " 가온시청  "}, "spaces", "agency", "가온시청"),
        ({"purpose": "방범용"}, "purpose_spelling", "purpose", "생활방범"),
        ({"data_date": "2024.7.1"}, "date_form", "data_date", "2024-07-01"),
        ({"phone": "없음"}, "phone_bad", "phone", ""),
    ],
)
def test_a_row_is_repaired_with_its_reason(cells, code, field, value):
    (row,) = national.read(lines(cells)).accepted
    assert code in row.repairs
    assert getattr(row.place, field) == value


def test_a_place_far_from_its_agency_is_refused():
    near = [{"lat": f"37.39{i:02d}"} for i in range(30)]
    report = national.read(lines(*near, {"lat": "35.1"}))
    assert [row.code for row in report.refused] == ["coordinate_far"]


def test_equal_rows_are_told_apart_by_their_occurrence_not_by_their_number():
    report = national.read(lines({}, {}, {}, header=WIDTH_14))
    assert len({row.identity for row in report.accepted}) == 3
    shuffled = national.read(lines({}, {"cameras": "9"}, {}, {}, header=WIDTH_14))
    assert {row.identity for row in report.accepted} < {row.identity for row in shuffled.accepted}


def test_letters_that_cp949_lacks_are_named_not_lost():
    (row,) = national.read(lines({"direction": "정문 🎥"})).accepted
    with pytest.raises(national.NotWritable) as caught:
        b"".join(national.write([row.place], columns=18, encoding="cp949"))
    assert caught.value.line == 2
    assert "🎥".encode() in b"".join(national.write([row.place], columns=18, encoding="utf-8-sig"))


@settings(max_examples=150, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "direction": st.text(alphabet="가나 다\t\u00a0라0", max_size=12),
            "installed": st.from_regex(r"[0-9]{4}[-.]?[0-9]{1,2}", fullmatch=True),
            "phone": st.text(alphabet="0123-", max_size=13),
            "retention_days": st.integers(-2, 400).map(str),
            "lat": st.floats(33.1, 38.6).map(str),
            "lon": st.floats(124.6, 131.9).map(str),
        }
    )
)
def test_normalising_what_is_normal_changes_nothing(cells):
    place, _, _ = normalise({**ROW, **cells})
    again, repairs, _ = normalise({name: place.cell(name) for name in ROW})
    assert again == place
    assert repairs == []


@example(b"\xef\xbb\xbf")
@example(b",,\n ,,")
@given(st.binary(max_size=400))
def test_any_bytes_are_a_list_or_are_refused(data):
    with suppress(national.NotACameraList):
        assert national.read(data).rows >= 0
