"""A few mutants of kernel/policy in tests; all of them: `./dev attack mutants`."""

from __future__ import annotations

import ast
import subprocess
import sys

from attack.commands import ROOT
from tools.attack import mutants

RUN = """
import sys
from tools.attack import mutants as m
every = m.mutants(m.text())
chosen = [x for x in every if str(x) in sys.argv[1:]]
assert len(chosen) == len(sys.argv[1:]), [str(x) for x in every]
tests = m.FIRST[:1]
print([m.alive(x, tests) for x in (m.Mutant(0, "nothing", m.text()), *chosen)])
"""


def line_of(words: str) -> int:
    return next(n for n, line in enumerate(mutants.text().splitlines(), 1) if words in line)


def test_mutants_die_and_the_unchanged_module_lives():
    turned = f"line {line_of('if decision.allow and not inside')}: condition False"
    allowed = f"line {line_of('allow=False')}: False -> True"
    done = subprocess.run(
        [sys.executable, "-c", RUN, turned, allowed], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.strip() == "[True, False, False]", done.stdout + done.stderr


FRONTIER = "gwanje.vault.frontier"
TREE = ("tests/vault/test_vault_exact_tree.py", "tests/vault/test_vault_frontier.py")


def test_functions_and_constants_of_a_loaded_module_are_changed_in_place(tmp_path):
    """One that is seen, one that changes nothing, a limit; and unchanged code lives through the same."""
    every = {str(mutant): mutant for mutant in mutants.mutants(mutants.text(FRONTIER))}
    lines = mutants.text(FRONTIER).splitlines()

    def of(words: str, what: str) -> mutants.Mutant:
        return every[f"line {max(n for n, line in enumerate(lines, 1) if line.strip() == words)}: {what}"]

    chosen = [
        of("at = 0", "0 -> 1"),
        of("at, left = 0, iter(wanted)", "0 -> 1"),
        of("NODES_MAX: Final = 4096", "4096 -> 4097"),
    ]
    told, (controls, lived) = mutants.in_place([(FRONTIER, each) for each in chosen], TREE, tmp_path, 2)
    assert {(mutant.what, mutant.function): state for _, mutant, state in told} == {
        ("0 -> 1", "closed"): "dead", ("0 -> 1", "_whole"): "alive", ("4096 -> 4097", "=NODES_MAX"): "dead",
    }  # fmt: skip
    assert controls == lived > 0
    assert mutants.reason(FRONTIER, chosen[1])
    assert not mutants.reason(FRONTIER, chosen[0])


def test_every_mutant_is_another_program():
    found = mutants.mutants(mutants.text())
    assert len(found) > 140
    assert len({m.source for m in found}) == len(found)
    assert mutants.text() not in {m.source for m in found}
    assert all(ast.parse(m.source) for m in found)
    small = mutants.mutants("def f(a, b):\n    return a and not b == 1\n")
    assert {m.what for m in small} == {
        "and <-> or", "operand 0 dropped", "operand 1 dropped", "not dropped", "Eq -> NotEq", "1 -> 2", "returns None",
        "removed: return a and (not b == 1)",
    }  # fmt: skip
