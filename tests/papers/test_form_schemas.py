"""Every form of every pack (서식): it loads strictly; its printed labels are the source's, in its order."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from gwanje.centre.common.papers.layout import sheet
from gwanje.law.forms import load_forms
from gwanje.law.packs import available, folder, load_pack
from gwanje.law.schema import PackError

PACKS = [name for name in available() if (folder() / name / "forms").is_dir()]
FORMS = [form for name in PACKS for form in load_forms(load_pack(folder() / name))]
SEEDS = Path(__file__).resolve().parents[3] / "shared" / "seeds"
SOURCES = {"kr_anyang": "000", "kr_osan": "002", "kr_incheon": "004"}
# what the sources' scans misread, and what a figure of a box was read as
MENDED = {"채납차량": "체납차량", '<inputtype="checkbox"/>': "□"}


def bare(text):
    """Without white space, which prints and scans place as they like."""
    return re.sub(r"\s", "", text)


def labels(drawn):
    """Every label a reader finds on the paper, from top to bottom."""
    found = []
    for block in drawn["blocks"]:
        if block["kind"] == "checks":
            found += [box["text"] for box in block["boxes"]]
            found += ["처리기한"] if drawn["deadline"] and block["under_title"] else []
        elif block["kind"] == "fields":
            found += [block["heading"]] if block["heading"] else []
            found += [cell["label"] for row in block["rows"] for cell in row]
        elif block["kind"] == "register":
            found += [block["heading"]] if block["heading"] else []
            found += [group["label"] for group in block["groups"]]
            found += [column["label"] for column in block["columns"] if column["group"]]
        elif block["kind"] == "text" and block["place"] == "heading":
            found.append(block["text"].split(":")[0])
        elif block["kind"] == "sign":
            found += [line["label"] for line in block["lines"]]
        elif block["kind"] == "addressee":
            found.append(block["text"])
        elif block["kind"] == "attachments":
            found.append(block["text"].split(":")[0].strip("※ "))
    return [bare(label) for label in found]


@pytest.mark.parametrize("form", [f for f in FORMS if f.pack in SOURCES], ids=lambda f: f.id)
def test_the_labels_are_the_sources_in_its_order(form):
    assert labels(sheet(form, None)) == [bare(label) for label in form.source_fields]


@pytest.mark.parametrize("form", [f for f in FORMS if f.pack in SOURCES], ids=lambda f: f.id)
def test_the_seed_text_has_every_label_box_and_sentence(form):
    """Compared with the printed source itself, where it lies beside the project."""
    found = sorted(SEEDS.glob(f"{SOURCES[form.pack]}_*.txt"))
    if not found:
        pytest.skip("the source texts are not beside this checkout")
    source = bare(found[0].read_text(encoding="utf-8"))
    for wrong, right in MENDED.items():
        source = source.replace(wrong, right)
    # a form's own part of the text, from its title on
    starts = [m.start() for m in re.finditer(re.escape(bare(form.label)), source)] if form.label else [0]
    part = source[starts[-1] :]
    assert bare(form.title).removesuffix("청구서") in source
    drawn = sheet(form, None)
    for label in labels(drawn):
        assert label.split("(")[0] in part, label
    for block in drawn["blocks"]:
        if block["kind"] == "text" and block["place"] != "heading" and "{" not in block["text"]:
            if block["text"].strip():
                assert bare(block["text"]) in part, block["text"]
        elif block["kind"] == "register" and block["lines"] and any(block["lines"][0]):
            for line in block["lines"]:
                assert all(bare(text) in part for text in line)
    for text in (form.face, form.deadline, form.addressee):
        assert bare(text) in part


def test_the_contracts_forms_are_there():
    wanted = {"ANY-F1", "ANY-F2", "ANY-F3", "OSA-F1", "OSA-F2", "OSA-F3", "OSA-F4", "OSA-T1", "INC-POLICY", "INC-F1"}
    assert wanted <= {form.id for form in FORMS}


ONE = {"id": "a", "ko": "a", "en": "a"}
COLUMN = {"name": "a", "ko": "a", "en": "a"}
REGISTER = {"kind": "register", "name": "r", "columns": [COLUMN]}


def add(**block):
    """A block more."""
    return lambda data: data["blocks"].append(block)


def cell(**field):
    """A cell more in the applicant's first row."""
    return lambda data: data["blocks"][2]["rows"][0].append({"name": "x", "ko": "a", "en": "a", **field})


BREAKS = [
    (lambda data: data.update(colour="red"), "colour"),
    (lambda data: data.update(article="별지99"), "article"),
    (lambda data: data.update(id="ANY-F9"), "id"),
    (lambda data: data.update(serves="anything"), "serves"),
    (lambda data: data.update(orientation="square"), "orientation"),
    (lambda data: data.update(source_fields=[]), "source_fields"),
    (lambda data: data.update(blocks=[]), "blocks"),
    (lambda data: data["blocks"][2].update(rows=[]), "rows"),
    (add(kind="picture"), "kind"),
    (add(kind="text", ko="{nobody}", en="x"), "blocks"),
    (add(kind="text", ko="a\x07", en="x"), "ko"),
    (add(kind="text", ko="가" * 4001, en="x"), "ko"),
    (add(kind="checks", name="kinds", options=[ONE]), "name"),
    (add(kind="checks", name="more", options=[]), "options"),
    (add(**(REGISTER | {"columns": []})), "columns"),
    (add(**REGISTER, fixed=[["a", "b"]]), "fixed"),
    (add(**REGISTER, layout="cards"), "card"),
    (add(kind="letter", paragraphs=[]), "paragraphs"),
    (add(kind="attachments", ko=["a"], en=["a", "b"]), "en"),
    (cell(name="Bad Name"), "name"),
    (cell(type="sound"), "type"),
    (cell(type="choice"), "options"),
    (cell(max=0), "max"),
]


@pytest.fixture(scope="module")
def pack():
    """A whole pack, whose forms lie elsewhere."""
    return load_pack(folder() / "kr_anyang")


@pytest.mark.parametrize(("change", "place"), BREAKS, ids=[f"{n}-{b[1]}" for n, b in enumerate(BREAKS)])
def test_what_does_not_fit_the_schema_does_not_load(change, place, pack, tmp_path):
    file = tmp_path / "forms" / "ANY-F2.yaml"
    file.parent.mkdir()
    text = (pack.folder / "forms" / "ANY-F2.yaml").read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    moved = replace(pack, folder=tmp_path)
    assert [f.id for f in load_forms(moved)] == ["ANY-F2"]
    data = yaml.safe_load(text)
    change(data)
    file.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    with pytest.raises(PackError) as caught:
        load_forms(moved)
    assert place in caught.value.place
    assert caught.value.ko
    assert caught.value.en
