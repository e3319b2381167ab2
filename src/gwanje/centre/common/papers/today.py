"""The forms that this centre's packs have (우리 기관의 서식): by pack and by what they serve, those in force only.

Rooms ask for a form by what it is for; which city's paper that is, the packs say.
"""

from __future__ import annotations

from datetime import date

from gwanje.centre import common
from gwanje.law.forms import SERVES, FormSchema, load_forms
from gwanje.law.packs import Pack

_READ: dict[str, tuple[Pack, tuple[FormSchema, ...]]] = {}


def _of(pack: Pack) -> tuple[FormSchema, ...]:
    # a process reads a pack once; tests put another pack of the same name in its place
    found = _READ.get(pack.id)
    if found is None or found[0] is not pack:
        found = _READ[pack.id] = (pack, load_forms(pack))
    return found[1]


def forms(on: date) -> list[tuple[Pack, tuple[FormSchema, ...]]]:
    """The packs that have forms in force on a day, the city's own first."""
    found = [(p, tuple(f for f in _of(p) if f.article.in_force(on))) for p in reversed(common.packs().packs)]
    return [(pack, listed) for pack, listed in found if listed]


def named(pack: str, form: str, on: date) -> FormSchema | None:
    """One form in force by its pack and id; None when the centre has none such."""
    return next((f for p, listed in forms(on) for f in listed if (p.id, f.id) == (pack, form)), None)


def serving(word: str, on: date) -> FormSchema | None:
    """The form in force for one of ``law.forms.SERVES``, the city's own first; None where no pack has one."""
    if word not in SERVES:
        raise KeyError(word)
    return next((f for _, listed in forms(on) for f in listed if f.serves == word), None)
