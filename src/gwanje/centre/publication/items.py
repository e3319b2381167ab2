"""Items (항목): the shared words of what a policy, a plan, a department's row and a sign have to say.

A pack lists these words; whoever generates a document knows where each of them comes from. A word that is not here is
a section all the same: an officer types its text.
"""

from __future__ import annotations

POLICY, PLAN, DEPARTMENT = "policy", "plan", "department"
DOCUMENTS = (POLICY, PLAN)
TITLES = {
    POLICY: ("고정형 영상정보처리기기 운영·관리 방침", "Operation and management policy for fixed cameras"),
    PLAN: ("영상정보처리기기 설치·운영계획", "Installation and operation plan for cameras"),
}
SITE, ENTRANCE, HOMEPAGE, NONE = PLACES = ("site", "entrance", "homepage", "none")
# the first half of a reason in ``sign.exemptions``: where the sign stands instead
INSTEAD = {"출입구": ENTRANCE, "홈페이지": HOMEPAGE, "관보·신문": HOMEPAGE, "생략": NONE}
# as a passer-by reads a sign; a pack's own items come last
SIGN_ORDER = (
    "설치 목적", "설치 장소", "촬영 범위", "촬영 시간", "담당부서", "책임관", "관리책임자 성명", "관리책임자 연락처",
    "수탁자 명칭·연락처",
)  # fmt: skip
ENGLISH = {
    # decree article 25(1)
    "설치 근거 및 목적": "Legal basis and purposes",
    "설치 대수·위치·촬영범위": "Number, places and range of the cameras",
    "관리책임자·담당부서·접근권한자": "Officer in charge, department, who has access",
    "촬영시간·보관기간·보관장소·처리방법": "Hours, retention, place of storage, way of processing",
    "영상정보 확인 방법·장소": "How and where video may be checked",
    "열람 등 요구 조치": "Requests of data subjects",
    "안전성 확보 조치": "Technical, organisational and physical safeguards",
    "그 밖에 필요한 사항": "Other matters",
    # what policies of cities say beside these
    "운영·관리 현황": "State of operation and management",
    "위탁": "Outsourcing",
    "목적 외 이용·제공 제한": "No use or provision beyond the purpose",
    "안내판": "Signs",
    "방침 변경": "Changes of this policy",
    "구축 목적과 운영방향": "Purpose and direction of the centre",
    "기기와 장비 현황": "Cameras and equipment",
    "조직·업무·근무체계": "Organisation, duties and shifts",
    "운영시간·관제범위": "Hours and scope of watching",
    "연계기관 대응체계": "Response with linked agencies",
    "출입통제·접근권한": "Entry control and access rights",
    "유지관리": "Maintenance",
    "시민안전 시스템 연계": "Links with citizens' safety systems",
    # installation and operation plan
    "설치 목적": "Purposes",
    "담당부서·책임관·연락처": "Department, officer, contact",
    "대수·위치·성능·촬영범위": "Number, places, performance, range",
    "안내판 규격·부착장소": "Size and places of signs",
    "권리행사·불복 절차": "Exercise of rights and appeal",
    "촬영시간·보유기간·보관·삭제": "Hours, retention, storage, deletion",
    "열람·재생 장소와 출입통제": "Place of viewing and its entry control",
    "제3자 제공·열람 사유와 절차": "Provision to others: grounds and procedure",
    "그 밖의 보호 사항": "Other protection",
    # a department's row
    "용도": "Use",
    "담당부서": "Department",
    "관리책임자 및 운영자": "Officer in charge and operator",
    "촬영시간": "Hours",
    "보관기간": "Retention",
    "보관장소": "Place of storage",
    "설치대수": "Cameras",
    "위치 및 촬영범위": "Places and range",
    # a sign
    "설치 장소": "Place",
    "촬영 범위": "Range",
    "촬영 시간": "Hours",
    "책임관": "Officer",
    "관리책임자 연락처": "Contact of the officer in charge",
    "관리책임자 성명": "Name of the officer in charge",
    "수탁자 명칭·연락처": "Contractor and its contact",
}


def english(item: str) -> str:
    """An item's English words; a pack's own item stays as it is written there."""
    return ENGLISH.get(item, item)


def instead(exemption: str) -> str:
    """Where a reason of ``sign.exemptions`` lets the sign stand instead; empty when its word says nothing of that."""
    return INSTEAD.get(exemption.partition("/")[0].strip(), "")


def in_order(text: dict[str, dict[str, str]]) -> list[tuple[str, dict[str, str]]]:
    """What a sign says in the order in which it is read; the database keeps no order of keys."""
    place = {item: number for number, item in enumerate(SIGN_ORDER)}
    return sorted(text.items(), key=lambda pair: (place.get(pair[0], len(place)), pair[0]))
