"""A new city's folder (새 도시의 규칙 묶음): one article and empty tables that load and trace as partial at once.

What a person typed is written as data (a JSON text is YAML); it is never part of a file's structure.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gwanje.law.packs import RANKS, load_pack
from gwanje.law.schema import PackError, text_hash

NAME = re.compile(r"[a-z][a-z0-9_]{2,39}")
TEXT_MAX = 200
ROWS_MAX = 5000
FIRST = "이 규정은 영상정보처리기기의 설치 및 통합관제센터의 운영에 관한 기준과 절차를 정함을 목적으로 한다."


@dataclass(frozen=True)
class NewPack:
    """What is known of the source before a line is transcribed; ``rows``: how many articles it has in all."""

    name: str
    title: str
    short: str
    en: str
    rank: str
    instrument: str
    since: date
    rows: int


def write(new: NewPack, root: Path) -> Path:
    """Make ``root/name`` and load it once; PackError when the name, a text or the rank is off, or it exists."""
    texts = (new.title, new.short, new.en, new.instrument)
    if not NAME.fullmatch(new.name):
        ko, en = "소문자·숫자·밑줄 3~40자(예: kr_newcity)", "3 to 40 lower-case letters, digits, underscores"
        raise PackError(new.name, ko, en)
    if new.rank not in RANKS or not 2 <= new.rows <= ROWS_MAX:
        ko = f"순위는 {', '.join(RANKS)}, 항목 수는 2~{ROWS_MAX}"
        raise PackError(new.name, ko, f"the rank is one of {', '.join(RANKS)}, and there are 2 to {ROWS_MAX} rows")
    if any(not t.strip() or len(t) > TEXT_MAX or not t.isprintable() for t in texts):
        raise PackError(
            new.name, f"이름들은 {TEXT_MAX}자 이내의 한 줄입니다", f"names are one line of {TEXT_MAX} letters"
        )
    place = root / new.name
    if place.exists():
        raise PackError(str(place), "이미 있는 묶음입니다", "the pack exists already")
    # made beside the folder's own files and loaded before anybody can see it
    with tempfile.TemporaryDirectory(dir=root, prefix=".new-pack-") as made:
        draft = Path(made) / new.name
        for file, content in _files(new).items():
            target = draft / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content, encoding="utf-8")
        load_pack(draft)
        os.rename(draft, place)
    return place


def _q(text: str) -> str:
    return json.dumps(text.strip(), ensure_ascii=False)


def _files(new: NewPack) -> dict[str, str]:
    day = new.since.isoformat()
    return {
        "pack.yaml": f"""# 새 규칙 묶음. 조문을 모두 옮기면 partial과 whole 두 줄을 지웁니다.
id: {new.name}
title: {_q(new.title)}
short: {_q(new.short)}
en: {_q(new.en)}
rank: {new.rank}
instrument: {_q(new.instrument)}
in_force_from: {day}
zone: Asia/Seoul
version: "{day}.1"
partial: true
whole: {new.rows}
source:
  text: 원문의 이름과 출처를 적습니다
  read_on: "{day}"
""",
        "articles.yaml": f"""# 한 항목 = 조문 하나. text는 원문 그대로이며 줄바꿈만 잇습니다.
# sha256은 `gwanje law hash`가 알려 줍니다.
# norms = 이 프로그램이 집행하는 규범(공통어). 없으면 status와 그 이유:
#   planned(예정, area=담당 영역) definition(정의) procedural(절차) recorded(기록으로만) out_of_scope(범위 밖)
- id: "1"
  citation: 제1조
  heading: 목적
  text: {_q(FIRST)}
  sha256: {text_hash(FIRST)}
  status: procedural
  why: 본보기 문장입니다. 원문의 제1조로 바꾸십시오
""",
        "parameters.yaml": """# 기준값. 근거 조문이 없는 값은 읽지 않습니다.
# from = 시행 첫날, to = 마지막 날(없으면 계속).
# retention.days_max:
#   - {from: 2026-01-01, value: 30, unit: day, article: "31(1)"}
{}
""",
        "grounds.yaml": """# 법적 근거. rests_on = 그 가운데 하나가 시행 중이어야 하는
# 상위 법령의 근거(kr_national의 code).
[]
""",
        "titles.yaml": """# 역할의 직명. 규정에 있는 말은 그대로, 없는 말은 일반적인 말을 씁니다.
mayor: {ko: 시장, en: Mayor}
chief_officer: {ko: 총괄책임자, en: Chief officer}
manager: {ko: 관리책임자, en: Manager}
operator: {ko: 관제요원, en: Operator}
seconded_police: {ko: 파견경찰관, en: Seconded police officer}
privacy_officer: {ko: 개인정보 보호책임자, en: Privacy officer}
auditor: {ko: 감사담당자, en: Auditor}
maintenance: {ko: 유지보수 수탁자, en: Maintenance contractor}
administrator: {ko: 시스템관리자, en: System administrator}
""",
        "retention.yaml": "# 부서·목적·기기별 보관기간. 하나의 최대 보관기간만 있으면 비워 둡니다.\n[]\n",
        "cases/examples.yaml": """# 사례: 상황과 결과. 규범마다 두 쪽을 함께 적습니다:
#   허용(allow)과 거부(deny), 또는 기한 안(in_time)과 늦음(late)
[]
""",
    }
