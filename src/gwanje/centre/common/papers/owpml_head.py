"""OWPML 머리 부분 (글꼴, 문단 모양, 테두리, 목록): everything of an HWPX file that holds none of the paper's words.

Element and attribute names are those of KS X 6101, with the spellings that Hangul itself writes where they differ
(``tagetApplication``). Sizes are hundredths of a point, lengths HWPUNIT.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import count

from lxml import etree

MIMETYPE = b"application/hwp+zip"
DECLARATION = b"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n"
_HWPML = "http://www.hancom.co.kr/hwpml/"
_META = _HWPML + "2016/meta/pkg#"
# Hangul looks for all of these on each part's root, used or not
NAMESPACES = {
    "ha": _HWPML + "2011/app",
    "hp": _HWPML + "2011/paragraph",
    "hp10": _HWPML + "2016/paragraph",
    "hs": _HWPML + "2011/section",
    "hc": _HWPML + "2011/core",
    "hh": _HWPML + "2011/head",
    "hhs": _HWPML + "2011/history",
    "hm": _HWPML + "2011/master-page",
    "hpf": "http://www.hancom.co.kr/schema/2011/hpf",
    "dc": "http://purl.org/dc/elements/1.1/",
    "opf": "http://www.idpf.org/2007/opf/",
    "ooxmlchart": _HWPML + "2016/ooxmlchart",
    "hwpunitchar": _HWPML + "2016/HwpUnitChar",
    "epub": "http://www.idpf.org/2007/ops",
    "config": "urn:oasis:names:tc:opendocument:xmlns:config:1.0",
}
_OTHERS = {
    "hv": _HWPML + "2011/version",
    "ocf": "urn:oasis:names:tc:opendocument:xmlns:container",
    "odf": "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "pkg": _META,
}
_ALL = NAMESPACES | _OTHERS
_SCRIPTS = ("hangul", "latin", "hanja", "japanese", "other", "symbol", "user")
FONTS = ("함초롬돋움", "함초롬바탕")
GOTHIC, BATANG = "0", "1"
SIDES = ("left", "right", "top", "bottom")
# border fills by name; 1 is the page's own, 2 that of letters and paragraphs; ``line5`` is a line whose sides of the
# bits 1 (left) and 4 (top) are thick: a cell at the corner of a frame
FILLS = {"page": "1", "none": "2"}
FILLS |= {
    f"{base}{bits or ''}": str(3 + at * 16 + bits) for at, base in enumerate(("line", "head")) for bits in range(16)
}

VISIBILITY = {
    "hideFirstHeader": "0",
    "hideFirstFooter": "0",
    "hideFirstMasterPage": "0",
    "border": "SHOW_ALL",
    "fill": "SHOW_ALL",
    "hideFirstPageNum": "0",
    "hideFirstEmptyLine": "0",
    "showLineNumber": "0",
}
PAGE_BORDER = {
    "borderFillIDRef": "1",
    "textBorder": "PAPER",
    "headerInside": "0",
    "footerInside": "0",
    "fillArea": "PAPER",
}
SUBLIST = {
    "id": "",
    "textDirection": "HORIZONTAL",
    "lineWrap": "BREAK",
    "vertAlign": "CENTER",
    "linkListIDRef": "0",
    "linkListNextIDRef": "0",
    "hasTextRef": "0",
    "hasNumRef": "0",
}
TABLE = {
    "zOrder": "0",
    "numberingType": "TABLE",
    "textWrap": "TOP_AND_BOTTOM",
    "textFlow": "BOTH_SIDES",
    "lock": "0",
    "dropcapstyle": "None",
    "pageBreak": "CELL",
}
# not as a character: only such a table goes on to the next page
POSITION = {
    "treatAsChar": "0",
    "affectLSpacing": "0",
    "flowWithText": "1",
    "allowOverlap": "0",
    "holdAnchorAndSO": "0",
    "vertRelTo": "PARA",
    "horzRelTo": "COLUMN",
    "vertAlign": "TOP",
    "vertOffset": "0",
    "horzOffset": "0",
}
CELL = {"hasMargin": "0", "protect": "0", "editable": "0", "dirty": "0"}


@dataclass(frozen=True)
class Style:
    """A look of a paragraph (글자 모양과 문단 모양): size, face, weight, alignment, line spacing in percent.

    ``words``: lines end between words, for labels; what people type may break anywhere, so that nothing is cut.
    """

    number: int
    size: int
    face: str = BATANG
    bold: bool = False
    align: str = "LEFT"
    spacing: int = 140
    before: int = 0
    after: int = 0
    hanging: int = 0
    words: bool = False

    @property
    def character_id(self) -> str:
        """Id of its ``charPr``."""
        return str(self.number)

    @property
    def paragraph_id(self) -> str:
        """Id of its ``paraPr``."""
        return str(self.number)


_next = count().__next__
STYLES: dict[str, Style] = {
    "body": Style(_next(), 1050, align="JUSTIFY", spacing=160),
    "cell": Style(_next(), 1000),
    "label": Style(_next(), 950, GOTHIC, align="CENTER", spacing=130, words=True),
    "centre": Style(_next(), 1000, align="CENTER"),
    # lists on a page across have many columns
    "narrow": Style(_next(), 850, spacing=125),
    "narrow_centre": Style(_next(), 850, align="CENTER", spacing=125),
    "small": Style(_next(), 850, align="LEFT", spacing=130),
    "mark": Style(_next(), 900, GOTHIC),
    "title": Style(_next(), 1700, GOTHIC, bold=True, align="CENTER", spacing=150, before=400, after=400),
    "boxes": Style(_next(), 1050, align="CENTER", after=400),
    "heading": Style(_next(), 1100, GOTHIC, bold=True, before=400, after=100),
    "lead": Style(_next(), 900, before=100, after=100),
    "remark": Style(_next(), 900, before=200),
    "sentence": Style(_next(), 1050, align="JUSTIFY", spacing=160, before=500, after=300),
    "item": Style(_next(), 1150, align="JUSTIFY", spacing=170, before=100, after=100, hanging=1800),
    "day": Style(_next(), 1100, align="RIGHT", spacing=150, before=300, after=200),
    "signer": Style(_next(), 1050, align="RIGHT"),
    "addressee": Style(_next(), 1400, GOTHIC, bold=True, before=500, after=500),
    "foot": Style(_next(), 750, GOTHIC, align="CENTER", spacing=100),
    "gap": Style(_next(), 200, spacing=100),
}


def element(tag: str, parent: etree._Element | None = None, **attributes: str) -> etree._Element:
    """A new element ``prefix:name``, at the end of ``parent`` when there is one."""
    name = _qualified(tag)
    if parent is None:
        return etree.Element(name, attributes, nsmap=NAMESPACES)
    return etree.SubElement(parent, name, attributes)


@cache
def _qualified(tag: str) -> str:
    prefix, _, local = tag.partition(":")
    return f"{{{_ALL[prefix]}}}{local}"


def _root(tag: str, *prefixes: str, **attributes: str) -> etree._Element:
    return etree.Element(_qualified(tag), attributes, nsmap={prefix: _ALL[prefix] for prefix in prefixes})


def part(root: etree._Element) -> bytes:
    """One part of the package as UTF-8 XML with the declaration that Hangul asks for."""
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, standalone=True)


@cache
def version() -> bytes:
    """``version.xml``: the format's version."""
    root = _root(
        "hv:HCFVersion",
        "hv",
        tagetApplication="WORDPROCESSOR",
        major="5",
        minor="1",
        micro="1",
        buildNumber="0",
        os="1",
        xmlVersion="1.5",
        application="gwanje",
        appVersion="1",
    )
    return part(root)


@cache
def settings() -> bytes:
    """``settings.xml``: where the caret stands when the file is opened."""
    root = _root("ha:HWPApplicationSetting", "ha", "config")
    element("ha:CaretPosition", root, listIDRef="0", paraIDRef="0", pos="0")
    return part(root)


@cache
def manifest() -> bytes:
    """``META-INF/manifest.xml``: nothing in the package is encrypted."""
    return part(_root("odf:manifest", "odf"))


@cache
def container() -> bytes:
    """``META-INF/container.xml``: where the package's parts are listed (OCF)."""
    root = _root("ocf:container", "ocf", "hpf")
    files = element("ocf:rootfiles", root)
    for path, kind in (
        ("Contents/content.hpf", "application/hwpml-package+xml"),
        ("Preview/PrvText.txt", "text/plain"),
        ("META-INF/container.rdf", "application/rdf+xml"),
    ):
        element("ocf:rootfile", files, **{"full-path": path, "media-type": kind})
    return part(root)


@cache
def container_rdf() -> bytes:
    """``META-INF/container.rdf``: which part is the head and which the section."""
    root = _root("rdf:RDF", "rdf")
    about, resource = _qualified("rdf:about"), _qualified("rdf:resource")

    def described(subject: str, tag: str, value: str, prefix: str = "rdf") -> None:
        line = etree.SubElement(root, _qualified("rdf:Description"), {about: subject})
        etree.SubElement(line, _qualified(f"{prefix}:{tag}"), {resource: value}, nsmap={prefix: _ALL[prefix]})

    for path, kind in (("Contents/header.xml", "HeaderFile"), ("Contents/section0.xml", "SectionFile")):
        described("", "hasPart", path, "pkg")
        described(path, "type", _META + kind)
    described("", "type", _META + "Document")
    return part(root)


def content(title: str) -> bytes:
    """``Contents/content.hpf``: the list of parts, and the title that an office program shows."""
    root = etree.Element(_qualified("opf:package"), {"version": "", "unique-identifier": "", "id": ""}, NAMESPACES)
    meta = element("opf:metadata", root)
    element("opf:title", meta).text = title
    element("opf:language", meta).text = "ko"
    element("opf:meta", meta, name="creator", content="text").text = "gwanje"
    listed, spine = element("opf:manifest", root), element("opf:spine", root)
    for name, path in (
        ("header", "Contents/header.xml"),
        ("section0", "Contents/section0.xml"),
        ("settings", "settings.xml"),
    ):
        element("opf:item", listed, id=name, href=path, **{"media-type": "application/xml"})
        if name != "settings":
            element("opf:itemref", spine, idref=name, linear="yes")
    return part(root)


@cache
def header() -> bytes:
    """``Contents/header.xml``: fonts, fills, letters' and paragraphs' shapes that the section points at."""
    root = element("hh:head", version="1.5", secCnt="1")
    element("hh:beginNum", root, page="1", footnote="1", endnote="1", pic="1", tbl="1", equation="1")
    lists = element("hh:refList", root)
    _fonts(lists)
    _fills(lists)
    characters = element("hh:charProperties", lists, itemCnt=str(len(STYLES)))
    for style in STYLES.values():
        _character(characters, style)
    tabs = element("hh:tabProperties", lists, itemCnt="1")
    element("hh:tabPr", tabs, id="0", autoTabLeft="0", autoTabRight="0")
    _numbering(lists)
    paragraphs = element("hh:paraProperties", lists, itemCnt=str(len(STYLES)))
    for style in STYLES.values():
        _shape(paragraphs, style)
    styles = element("hh:styles", lists, itemCnt="1")
    element(
        "hh:style",
        styles,
        id="0",
        type="PARA",
        name="바탕글",
        engName="Normal",
        paraPrIDRef="0",
        charPrIDRef="0",
        nextStyleIDRef="0",
        langID="1042",
        lockForm="0",
    )
    compatible = element("hh:compatibleDocument", root, targetProgram="HWP201X")
    element("hh:layoutCompatibility", compatible)
    option = element("hh:docOption", root)
    element("hh:linkinfo", option, path="", pageInherit="0", footnoteInherit="0")
    element("hh:trackchageConfig", root, flags="56")
    return part(root)


def _fonts(lists: etree._Element) -> None:
    faces = element("hh:fontfaces", lists, itemCnt=str(len(_SCRIPTS)))
    for script in _SCRIPTS:
        face = element("hh:fontface", faces, lang=script.upper(), fontCnt=str(len(FONTS)))
        for number, name in enumerate(FONTS):
            font = element("hh:font", face, id=str(number), face=name, type="TTF", isEmbedded="0")
            element(
                "hh:typeInfo",
                font,
                familyType="FCAT_GOTHIC",
                weight="6",
                proportion="4",
                contrast="0",
                strokeVariation="1",
                armStyle="1",
                letterform="1",
                midline="1",
                xHeight="1",
            )


def _fills(lists: etree._Element) -> None:
    fills = element("hh:borderFills", lists, itemCnt=str(len(FILLS)))
    for name, number in FILLS.items():
        fill = element(
            "hh:borderFill", fills, id=number, threeD="0", shadow="0", centerLine="NONE", breakCellSeparateLine="0"
        )
        for diagonal in ("slash", "backSlash"):
            element(f"hh:{diagonal}", fill, type="NONE", Crooked="0", isCounter="0")
        base = name.rstrip("0123456789")
        bits = int(name.removeprefix(base) or 0)
        kind = "NONE" if base in ("page", "none") else "SOLID"
        for bit, side in enumerate(SIDES):
            width = "0.4 mm" if bits >> bit & 1 else "0.12 mm"
            element(f"hh:{side}Border", fill, type=kind, width=width, color="#000000")
        element("hh:diagonal", fill, type="SOLID", width="0.1 mm", color="#000000")
        colour = {"none": "none", "head": "#F0F0F0"}.get(base)
        if colour:
            brush = element("hc:fillBrush", fill)
            element("hc:winBrush", brush, faceColor=colour, hatchColor="#999999", alpha="0")


def _character(characters: etree._Element, style: Style) -> None:
    shape = element(
        "hh:charPr",
        characters,
        id=style.character_id,
        height=str(style.size),
        textColor="#000000",
        shadeColor="none",
        useFontSpace="0",
        useKerning="0",
        symMark="NONE",
        borderFillIDRef=FILLS["none"],
    )
    for tag, value in (("fontRef", style.face), ("ratio", "100"), ("spacing", "0"), ("relSz", "100"), ("offset", "0")):
        element(f"hh:{tag}", shape, **dict.fromkeys(_SCRIPTS, value))
    if style.bold:
        element("hh:bold", shape)
    element("hh:underline", shape, type="NONE", shape="SOLID", color="#000000")
    element("hh:strikeout", shape, shape="NONE", color="#000000")
    element("hh:outline", shape, type="NONE")
    element("hh:shadow", shape, type="NONE", color="#C0C0C0", offsetX="10", offsetY="10")


def _numbering(lists: etree._Element) -> None:
    numberings = element("hh:numberings", lists, itemCnt="1")
    numbering = element("hh:numbering", numberings, id="1", start="0")
    for level in range(1, 8):
        head = element(
            "hh:paraHead",
            numbering,
            start="1",
            level=str(level),
            align="LEFT",
            useInstWidth="1",
            autoIndent="1",
            widthAdjust="0",
            textOffsetType="PERCENT",
            textOffset="50",
            numFormat="DIGIT",
            charPrIDRef="4294967295",
            checkable="0",
        )
        head.text = f"^{level}."


def _shape(paragraphs: etree._Element, style: Style) -> None:
    shape = element(
        "hh:paraPr",
        paragraphs,
        id=style.paragraph_id,
        tabPrIDRef="0",
        condense="0",
        fontLineHeight="0",
        snapToGrid="1",
        suppressLineNumbers="0",
        checked="0",
        textDir="LTR",
    )
    element("hh:align", shape, horizontal=style.align, vertical="BASELINE")
    element("hh:heading", shape, type="NONE", idRef="0", level="0")
    element(
        "hh:breakSetting",
        shape,
        breakLatinWord="BREAK_WORD",
        breakNonLatinWord="KEEP_WORD" if style.words else "BREAK_WORD",
        widowOrphan="0",
        keepWithNext="0",
        keepLines="0",
        pageBreakBefore="0",
        lineWrap="BREAK",
    )
    element("hh:autoSpacing", shape, eAsianEng="0", eAsianNum="0")
    switch = element("hp:switch", shape)
    case = element("hp:case", switch, **{_qualified("hp:required-namespace"): NAMESPACES["hwpunitchar"]})
    # readers that do not know the newer unit take twice the value: Hangul writes both
    for place, factor in ((case, 1), (element("hp:default", switch), 2)):
        _spacing(place, style, factor)
    element(
        "hh:border",
        shape,
        borderFillIDRef=FILLS["none"],
        offsetLeft="0",
        offsetRight="0",
        offsetTop="0",
        offsetBottom="0",
        connect="0",
        ignoreMargin="0",
    )


def _spacing(place: etree._Element, style: Style, factor: int) -> None:
    margin = element("hh:margin", place)
    values = {
        "intent": -style.hanging,
        "left": style.hanging,
        "right": 0,
        "prev": style.before,
        "next": style.after,
    }
    for name, value in values.items():
        element(f"hc:{name}", margin, value=str(value * factor), unit="HWPUNIT")
    element("hh:lineSpacing", place, type="PERCENT", value=str(style.spacing), unit="HWPUNIT")


def notes(section: etree._Element) -> None:
    """Foot notes' and end notes' shapes: no paper has one, and Hangul asks for them."""
    for tag, length, between, place, where in (
        ("footNotePr", "-1", "283", "EACH_COLUMN", "beneathText"),
        ("endNotePr", "14692344", "0", "END_OF_DOCUMENT", "beneathText"),
    ):
        shape = element(f"hp:{tag}", section)
        element("hp:autoNumFormat", shape, type="DIGIT", userChar="", prefixChar="", suffixChar=")", supscript="0")
        element("hp:noteLine", shape, length=length, type="SOLID", width="0.12 mm", color="#000000")
        element("hp:noteSpacing", shape, betweenNotes=between, belowLine="567", aboveLine="850")
        element("hp:numbering", shape, type="CONTINUOUS", newNum="1")
        element("hp:placement", shape, place=place, **{where: "0"})
