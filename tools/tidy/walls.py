"""Walls between centre apps: another app's ``api`` only, listed in ``capability.yaml``, and no cycles.

Layers and the ban on Django are import-linter's; this is what its contracts cannot say.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import yaml

from tools.tidy.files import ROOT, Finding, ours, relative, tree

CENTRE = "gwanje.centre"
SHARED = "common"
RELATIONS = ("ForeignKey", "OneToOneField", "ManyToManyField")


def app_of(module: str) -> str:
    """``gwanje.centre.staff.services`` → ``staff``; an empty text for anything else."""
    parts = module.split(".")
    return parts[2] if module.startswith(f"{CENTRE}.") and len(parts) > 2 else ""


def imports() -> list[tuple[str, str]]:
    """Every (importer, imported) pair inside the centre, from the import graph."""
    import grimp

    graph = grimp.build_graph("gwanje")
    found = [m for m in graph.modules if m.startswith(f"{CENTRE}.")]
    return sorted((m, to) for m in found for to in graph.find_modules_directly_imported_by(m) if app_of(to))


def relations(root: Path = ROOT) -> list[tuple[str, str]]:
    """(app, other app) for every foreign key written as a text; these count as uses, too."""
    pairs: set[tuple[str, str]] = set()
    for path in ours(".py", under=("src/gwanje/centre",), root=root):
        app = path.relative_to(root / "src/gwanje/centre").parts[0]
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.Call) or getattr(node.func, "attr", "") not in RELATIONS:
                continue
            to = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "to"), None)
            if isinstance(to, ast.Constant) and isinstance(to.value, str) and "." in to.value:
                pairs.add((app, to.value.split(".")[0].lower()))
    return sorted(pairs)


def uses(root: Path = ROOT) -> dict[str, tuple[str, ...]]:
    """What each app's ``capability.yaml`` says that it uses; an app without the file uses nothing."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted((root / "src/gwanje/centre").glob("*/__init__.py")):
        file = path.parent / "capability.yaml"
        body = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}
        found[path.parent.name] = tuple((body or {}).get("uses") or ())
    return found


def crossings(pairs: Iterable[tuple[str, str]], listed: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    """Imports that climb a wall."""
    for importer, imported in pairs:
        here, there = app_of(importer), app_of(imported)
        if there in (here, SHARED):
            continue
        place = importer.replace(".", "/") + ".py"
        if here == SHARED:
            yield Finding(place, 0, f"{SHARED} imports the app {there}; it may import none")
        elif not (imported == f"{CENTRE}.{there}.api" or imported.startswith(f"{CENTRE}.{there}.api.")):
            yield Finding(place, 0, f"imports {imported}; only {CENTRE}.{there}.api")
        elif there not in listed.get(here, ()):
            yield Finding(place, 0, f"uses {there}, which {here}/capability.yaml does not list")


def unlisted(pairs: Iterable[tuple[str, str]], listed: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    """Foreign keys to an app that is not listed."""
    for here, there in pairs:
        if there in listed and here != there and there not in listed.get(here, ()):
            yield Finding(f"gwanje/centre/{here}", 0, f"foreign key to {there}, which capability.yaml does not list")


def cycles(listed: Mapping[str, tuple[str, ...]]) -> Iterator[Finding]:
    """Apps that use each other in a ring."""
    for start in listed:
        stack, seen = [(start, (start,))], set[str]()
        while stack:
            app, path = stack.pop()
            for other in listed.get(app, ()):
                if other == start:
                    yield Finding(f"gwanje/centre/{start}", 0, "cycle: " + " → ".join((*path, start)))
                elif other not in seen:
                    seen.add(other)
                    stack.append((other, (*path, other)))


def missing_capability(root: Path = ROOT) -> Iterator[Finding]:
    """Centre apps (they have an ``apps.py``) without a ``capability.yaml``."""
    for path in sorted((root / "src/gwanje/centre").glob("*/apps.py")):
        if not (path.parent / "capability.yaml").is_file():
            yield Finding(relative(path.parent, root), 0, "has no capability.yaml")
