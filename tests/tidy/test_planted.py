"""Each house rule turns red over a planted violation: a rule that cannot fail is no rule."""

import json

import pytest

from tools.tidy import names, papers, sizes, walls, words


def plant(root, path, text):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def texts(findings):
    return [str(f) for f in findings]


def test_a_long_file_and_a_long_function(tmp_path):
    body = "".join(f"    x{i} = {i}\n" for i in range(70))
    plant(tmp_path, "src/gwanje/a.py", f"def f():\n{body}")
    plant(tmp_path, "frontend/src/b.ts", "let a = 1;\n" * 501)
    plant(tmp_path, "src/gwanje/ok.py", f"def f():\n{body[: body.rindex('    x69')]}")
    assert texts(sizes.long_functions(tmp_path)) == ["src/gwanje/a.py:1: f: 71 lines, at most 70"]
    assert texts(sizes.long_files(tmp_path)) == ["frontend/src/b.ts:501: 501 lines; split it at 500"]


PLANTED = {
    "src/gwanje/vault/a.py": "x = datetime.now(UTC)",
    "src/gwanje/media/b.py": "began = time.time()",
    "src/gwanje/centre/staff/models.py": "at = models.DateTimeField(auto_now_add=True)",
    "src/gwanje/centre/staff/views.py": "Person.objects.create(name=name)",
    "src/gwanje/media/c.py": 'serve("0.0.0.0", 80)',
    "src/gwanje/media/d.py": "# TODO later",
    "frontend/src/a.ts": "box.innerHTML = text;",
    "frontend/src/b.ts": "localStorage.setItem('a', 'b')",
    "src/gwanje/apps/web/templates/a.html": '<link href="https://cdn.example.com/x.css">',
    "src/gwanje/apps/web/templates/b.html": "<p>퍼밋 발급</p>",
    "src/gwanje/apps/web/templates/c.html": "<script>go()</script>",
    "src/gwanje/apps/web/templates/d.html": '<p style="color:red">',
    "docs/a.md": "see /" + "home/me/x",
}


@pytest.mark.parametrize("path", PLANTED)
def test_a_banned_word(tmp_path, path):
    plant(tmp_path, path, PLANTED[path] + "\n")
    assert len(texts(words.banned(tmp_path))) == 1


def test_what_is_allowed_is_not_found(tmp_path):
    plant(tmp_path, "src/gwanje/kernel/clock.py", "now = time.time_ns()\n")
    plant(tmp_path, "src/gwanje/centre/staff/services.py", "Person.objects.create(name=name)\n")
    plant(tmp_path, "src/gwanje/media/sim/a.py", '"c=IN IP4 0.0.0.0"\n')
    plant(
        tmp_path,
        "src/gwanje/a.html",
        '<script type="module" src="/a.js"></script><a href="http://localhost:1/">정책</a>\n',
    )
    plant(tmp_path, "src/gwanje/media/b.py", "x = time.time()  # tidy: compares with a file's own mtime\n")
    assert texts(words.banned(tmp_path)) == []


@pytest.mark.parametrize(
    "text", ["CITY = 'kr_anyang'", "def osan_rule(): ...", "'안양시 조례'", "from x import incheon"]
)
def test_a_city_in_code(tmp_path, text):
    plant(tmp_path, "src/gwanje/law/a.py", f'"""Doc."""\n{text}\n')
    assert len(texts(names.cities(tmp_path))) >= 1
    plant(tmp_path, "src/gwanje/law/a.py", '"""Doc."""\nx = "thousand persons, 장안양식"[:8]\n')
    assert not [t for t in texts(names.cities(tmp_path)) if "thousand" in t]


def test_every_packs_city_is_forbidden_and_nothing_else_is(tmp_path):
    for word in ("안양", "오산", "인천", "서울", "Anyang", "osan", "INCHEON", "seoul"):
        assert names.CITIES.search(f"say {word} here"), word
    assert not names.CITIES.search("kr_national, thousand persons, 개인정보")
    plant(tmp_path, "src/gwanje/law/a.py", '"""Doc."""\nzone = "Asia/Seoul"\nif city == "kr_incheon":\n    pass\n')
    plant(tmp_path, "src/gwanje/centre/rules.yaml", "terms:\n  인천: 3\n")
    plant(tmp_path, "frontend/src/wall.ts", 'const zone = "Asia/Seoul";\nif (pack === "kr_osan") { go(); }\n')
    found = list(names.cities(tmp_path))
    assert sorted((f.path, f.line) for f in found) == [
        ("frontend/src/wall.ts", 2),
        ("src/gwanje/centre/rules.yaml", 2),
        ("src/gwanje/law/a.py", 3),
    ]
    (tmp_path / "packs" / "kr_seventh").mkdir(parents=True)
    (tmp_path / "packs" / "kr_seventh" / "pack.yaml").write_text("title: 일곱째광역시 조례\n", encoding="utf-8")
    assert names.cities_of(tmp_path / "packs").search("일곱째의 규칙")


def test_docstrings_twins_and_toothless_tests(tmp_path):
    plant(tmp_path, "src/gwanje/a.py", '"""Doc."""\ndef f(): ...\nclass C: ...\ndef _g(): ...\n')
    assert [t.split()[1] for t in texts(names.undocumented(tmp_path))] == ["f", "C"]
    plant(tmp_path, "tests/a/test_x.py", "def test_a():\n    assert f()\n")
    plant(tmp_path, "tests/b/test_x.py", "def test_b():\n    f()\n")
    assert len(texts(names.twins(tmp_path))) == 2
    assert [t.split()[1] for t in texts(names.toothless(tmp_path))] == ["test_b"]


def test_walls_between_apps(tmp_path):
    listed = {"playback": ("staff",), "staff": (), "cameras": ()}
    pairs = [
        ("gwanje.centre.playback.views", "gwanje.centre.staff.api"),
        ("gwanje.centre.playback.views", "gwanje.centre.playback.models"),
        ("gwanje.centre.playback.views", "gwanje.centre.common.forms"),
        ("gwanje.centre.playback.views", "gwanje.centre.staff.models"),
        ("gwanje.centre.staff.views", "gwanje.centre.cameras.api"),
        ("gwanje.centre.common.forms", "gwanje.centre.staff.api"),
    ]
    found = texts(walls.crossings(pairs, listed))
    assert len(found) == 3
    assert "only gwanje.centre.staff.api" in found[0]
    assert "capability.yaml does not list" in found[1]
    assert "it may import none" in found[2]
    assert texts(walls.unlisted([("staff", "cameras"), ("playback", "staff")], listed))[0].startswith(
        "gwanje/centre/staff"
    )
    assert texts(walls.cycles(listed)) == []
    assert "cycle" in texts(walls.cycles({**listed, "staff": ("playback",)}))[0]
    plant(tmp_path, "src/gwanje/centre/a/models.py", 'x = models.ForeignKey("staff.Agency", on_delete=1)\n')
    assert walls.relations(tmp_path) == [("a", "staff")]


def test_the_import_graph_sees_the_centre():
    assert any(here.startswith("gwanje.centre.") for here, _ in walls.imports())


def test_papers(tmp_path):
    plant(tmp_path, "README.md", "run `./dev fly` or `./dev test`\n")
    assert texts(papers.commands({"test"}, tmp_path)) == ["README.md:1: ./dev fly does not exist"]
    plant(tmp_path, "STYLE.md", "1. Be kind.\n2. Short. [tidy: sizes]\n3. Odd. [nobody]\n")
    assert len(texts(papers.unchecked_style(tmp_path))) == 2
    plant(tmp_path, "ARCHITECTURE.md", "x\n" * 151)
    assert len(texts(papers.long_texts(tmp_path))) == 1
    plant(tmp_path, "package.json", json.dumps({"dependencies": {"a": "^1.0.0"}}))
    lock = {"packages": {"": {}, "node_modules/a": {"resolved": "https://x", "integrity": "sha1-x"}}}
    plant(tmp_path, "package-lock.json", json.dumps(lock))
    plant(tmp_path, "frontend/vendor.json", json.dumps({"files": [{"from": "b/x.js", "to": "x.js", "sha256": ""}]}))
    assert len(texts(papers.supply(tmp_path))) == 4
