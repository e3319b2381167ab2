"""A test city's own rules of staff and watching: every norm of posts, hours and stations in one small pack."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from gwanje.law import Law, load
from gwanje.law.packs import folder as packs_folder
from gwanje.law.schema import text_hash
from support import folder

NORMS = (
    "access.transfer", "access.history", "access.allow_list", "playback.station", "playback.logged",
    "live.purpose_hours", "live.agreement", "training.before_access", "outsourcing.no_approval",
)  # fmt: skip


@cache
def law() -> Law:
    """The law of the test city: national packs, one real city above, its own rules of staff last."""
    root = folder() / "packs-staff"
    root.mkdir(exist_ok=True)
    for name in ("kr_national", "kr_anyang"):
        if not (root / name).exists():
            (root / name).symlink_to(packs_folder() / name, target_is_directory=True)
    _write(root / "gaon_staff")
    return load(("kr_national", "kr_anyang", "gaon_staff"), root)


def _write(place: Path) -> None:
    place.mkdir(exist_ok=True)
    text = "시험 도시의 인력 규정."
    about = {
        "id": "gaon_staff", "title": "가온시 인력 규정", "short": "가온 인력", "en": "Staff rules of a test city",
        "rank": "방침", "instrument": "시험", "zone": "Asia/Seoul", "version": "1", "partial": True, "whole": 2,
        "source": {"text": text, "sha256": text_hash(text), "read_on": "2026-11-21"},
    }  # fmt: skip
    (place / "pack.yaml").write_text(yaml.safe_dump(about, allow_unicode=True) + "in_force_from: 2020-01-01\n")
    article = {"id": "1", "obligation": "GST-1", "citation": "제1조", "heading": "인력", "text": text,
               "sha256": text_hash(text), "norms": list(NORMS)}  # fmt: skip
    (place / "articles.yaml").write_text(yaml.safe_dump([article], allow_unicode=True))
    (place / "parameters.yaml").write_text(
        "training.before_access:\n  - {from: 2020-01-01, value: true, unit: flag, article: '1'}\n"
    )
