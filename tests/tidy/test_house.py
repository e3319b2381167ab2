"""The house rules hold in this tree."""

import pytest

from tools.dev.main import COMMANDS
from tools.tidy import names, papers, sizes, walls, words

RULES = {
    "files up to 500 lines": sizes.long_files,
    "functions up to 70 lines": sizes.long_functions,
    "banned words": words.banned,
    "no city in code": names.cities,
    "public things say what they are": names.undocumented,
    "test files have names of their own": names.twins,
    "every test checks something": names.toothless,
    "commands in texts exist": lambda: papers.commands(set(COMMANDS)),
    "style rules name their check": papers.unchecked_style,
    "texts keep their limit": papers.long_texts,
    "packages are pinned": papers.supply,
    "nothing big or third-party is committed": papers.big_blobs,
    "apps say what they use": walls.missing_capability,
    "apps import another's api only": lambda: walls.crossings(walls.imports(), walls.uses()),
    "foreign keys are listed": lambda: walls.unlisted(walls.relations(), walls.uses()),
    "apps use each other in no ring": lambda: walls.cycles(walls.uses()),
}


@pytest.mark.parametrize("rule", RULES)
def test_rule(rule):
    found = sorted(set(RULES[rule]()))
    assert not found, f"{len(found)} × {rule}\n" + "\n".join(str(f) for f in found[:60])
