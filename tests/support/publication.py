"""A test city's own rules of publication: a small pack below the real ones, whole enough to publish under."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml

from gwanje.centre.publication import items
from gwanje.law import Law, load
from gwanje.law.packs import folder as packs_folder
from gwanje.law.schema import text_hash
from support import folder

NORMS = ("policy.complete", "policy.announce", "sign.items", "sign.placement")
DECREE = list(items.ENGLISH)[:8]
VALUES = {
    "policy.notice_days": (7, "day"),
    "policy.items": ([*DECREE, "위탁", "안내판", "방침 변경", "이웃과의 약속"], "item"),
    "plan.items": (["설치 목적", "담당부서·책임관·연락처", "대수·위치·성능·촬영범위", "그 밖의 보호 사항"], "item"),
    "department.items": (["용도", "담당부서", "관리책임자 및 운영자", "촬영시간", "보관기간", "보관장소", "설치대수",
                          "위치 및 촬영범위"], "item"),
    "sign.items": (["설치 목적", "설치 장소", "촬영 범위", "촬영 시간", "담당부서", "관리책임자 연락처",
                    "수탁자 명칭·연락처"], "item"),
    "sign.exemptions": (["출입구/건물 안 여러 대", "홈페이지/원거리 촬영", "홈페이지/설치 곤란",
                         "생략/국가보안시설"], "reason"),
}  # fmt: skip


@cache
def law() -> Law:
    """The law of the test city: national packs, one real city above, its own rules of publication last."""
    root = folder() / "packs-publication"
    root.mkdir(exist_ok=True)
    for name in ("kr_national", "kr_anyang"):
        if not (root / name).exists():
            (root / name).symlink_to(packs_folder() / name, target_is_directory=True)
    _write(root / "gaon")
    return load(("kr_national", "kr_anyang", "gaon"), root)


def _write(place: Path) -> None:
    place.mkdir(exist_ok=True)
    text = "시험 도시의 공개 규정."
    about = {
        "id": "gaon", "title": "가온시 공개 규정", "short": "가온 규정", "en": "Rules of a test city", "rank": "방침",
        "instrument": "시험", "zone": "Asia/Seoul", "version": "1", "partial": True, "whole": 2,
        "source": {"text": text, "sha256": text_hash(text), "read_on": "2026-11-21"},
    }  # fmt: skip
    # an unquoted date, as a lawyer writes it
    (place / "pack.yaml").write_text(yaml.safe_dump(about, allow_unicode=True) + "in_force_from: 2020-01-01\n")
    article = {"id": "1", "obligation": "GAO-1", "citation": "제1조", "heading": "공개", "text": text,
               "sha256": text_hash(text), "norms": list(NORMS)}  # fmt: skip
    (place / "articles.yaml").write_text(yaml.safe_dump([article], allow_unicode=True))
    values = "".join(
        f"{name}:\n  - {{from: 2020-01-01, value: {_flow(value)}, unit: {unit}, article: '1'}}\n"
        for name, (value, unit) in VALUES.items()
    )
    (place / "parameters.yaml").write_text(values)


def _flow(value: object) -> str:
    return yaml.safe_dump(value, allow_unicode=True, default_flow_style=True, width=10**6).strip().removesuffix("\n...")
