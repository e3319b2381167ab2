"""No file of ours runs in a spreadsheet, and what was guarded reads back as it was."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_camera_national import lines

from gwanje.centre.cameras import national
from gwanje.centre.common.guard import guarded, restored

CELLS = st.text(st.sampled_from("'=+-@\t\r\na0 가"), max_size=6)


@given(CELLS)
def test_guarding_is_undone_exactly_and_leaves_nothing_to_run(cell):
    assert restored(guarded(cell)) == cell
    bare = guarded(cell).lstrip(" ")
    assert bare == "-" or bare[:1] not in tuple("=+-@\t\r")


@pytest.mark.parametrize("cell", ["=", "+", "@", " =1+1", "\t=1+1", "\r=1+1", "-\n=1+1", "-1", "'=1"])
def test_what_begins_like_a_formula_is_text_in_every_file(cell):
    assert guarded(cell) == f"'{cell}"


@pytest.mark.parametrize("text", ["+82 회전", "-1+2 방면", "'=1+1", "'@SUM(1)", "'-x", "-", "360도"])
def test_a_place_goes_out_and_comes_in_the_same(text):
    (first,) = national.read(lines({"direction": text})).accepted
    data = b"".join(national.write([first.place]))
    cells = [cell for row in csv.reader(io.StringIO(data.decode("utf-8-sig"))) for cell in row]
    assert not [cell for cell in cells if len(cell) > 1 and cell[0] in "=+-@"]
    (again,) = national.read(data).accepted
    assert (again.place, again.identity, again.repairs) == (first.place, first.identity, ())


@pytest.mark.parametrize("text", ["=1+1", "@SUM(1)"])
def test_a_bare_formula_is_refused(text):
    report = national.read(lines({"direction": text}))
    assert [row.code for row in report.refused] == ["text_control"]
