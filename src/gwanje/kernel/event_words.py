"""Words of the services' own alarms (경보 문구), Korean and English: what is wrong, and who looks at it next.

An event whose sender wrote ``ko`` and ``en`` into its body keeps them; these are for senders without a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

WORDS: Final[dict[str, tuple[str, str]]] = {
    "retention.clock.alarmed": (
        "시각이 어긋나 파기를 멈췄습니다. 책임관 2인이 시각을 확인해야 합니다.",
        "Destruction stands still: the clock jumped. Two officers must confirm the time.",
    ),
    "ledger.tail.missing": (
        "데이터베이스가 서명된 관리대장보다 짧습니다. 백업을 되돌렸다면 gwanje restore를 먼저 실행해야 합니다.",
        "The database ends before the signed ledger does. After a restored backup run gwanje restore first.",
    ),
    "retention.replica.missing": (
        "키 복제본이 응답하지 않아 파기가 확정되지 않고 있습니다. 복제본을 켜거나 담당공무원 2명이 해제해야 합니다.",
        "A key replica does not answer: deaths are pending. Start it, or two officers retire it.",
    ),
    "retention.keys.rolled_back": (
        "키 저장소가 최신이 아닙니다. 저장 영상을 열지 않습니다. 담당공무원 2명이 확인해야 합니다.",
        "The keystore is not the newest: nothing stored opens. Two officers must look at it.",
    ),
    "retention.store.away": (
        "저장소가 응답하지 않아 파일 파기가 남아 있습니다. 키는 이미 파기되었습니다.",
        "The store does not answer: files wait to be deleted. Their keys are destroyed already.",
    ),
    "retention.overdue.found": (
        "보관기간이 지난 영상이 남아 있습니다. 개인영상정보 관리책임자가 확인해야 합니다.",
        "Footage stands beyond its retention. The privacy officer must look at it.",
    ),
    "retention.certificate.refused": (
        "파기 검증에 실패하여 파기 확인서를 발급하지 않았습니다.",
        "No certificate of destruction: the attempt to open what was destroyed did not fail as it must.",
    ),
    "store.refused": (
        "저장소가 파일을 거부했습니다. 시스템 관리자가 확인해야 합니다.",
        "The object store refuses files. The system administrator must look at it.",
    ),
    "store.away": (
        "저장소와 연결되지 않아 영상이 녹화기 디스크에 쌓이고 있습니다.",
        "The object store is away: footage stays on the recorders' disks.",
    ),
    "store.filling": (
        "디스크가 차고 있습니다. 저장소를 복구하거나 디스크를 늘려야 합니다.",
        "A disk is filling up: bring the store back or add disks.",
    ),
    "ledger.pairs.differ": (
        "접속기록과 열람 기록이 서로 다릅니다. 개인영상정보 관리책임자와 감사가 확인해야 합니다.",
        "The ledger and the log of what was opened differ. The privacy officer and the auditor must look at it.",
    ),
    "ledger.witness.refused": (
        "외부 증인이 서명을 거부했습니다. 증인이 아는 대장과 다릅니다. 감사가 바로 확인해야 합니다.",
        "An outside witness refuses to sign: it knows another history of the ledger. The auditor must look at once.",
    ),
    "ledger.witness.missing": (
        "외부 증인의 서명이 1분 넘게 모자랍니다. 증인과의 연결을 확인하십시오.",
        "Too few outside witnesses have signed within a minute: look at the lines to them.",
    ),
    "ledger.published.differs": (
        "공개된 대장과 데이터베이스의 기록이 다릅니다. 기록이 고쳐졌을 수 있습니다. 감사가 확인해야 합니다.",
        "The published ledger and the database differ: rows may have been edited. The auditor must look at it.",
    ),
    "vault.code.lapsed": (
        "전화 승인의 서면 확인이 기한을 넘겨 승인코드가 정지되었습니다. 담당공무원 2명이 해제해야 합니다.",
        "A spoken approval was not confirmed in writing: its officer's codes are suspended until two others lift it.",
    ),
    "vault.code.locked": (
        "틀린 전화 승인코드가 거듭 입력되어 1시간 동안 막았습니다. 관리책임자가 경위를 확인해야 합니다.",
        "Wrong spoken codes again and again: none is taken for an hour. The manager must look into it.",
    ),
    "ledger.checkpoint.refused": (
        "접속기록의 확인 서명이 거부되었습니다. 기록이 바뀌었을 수 있습니다.",
        "The ledger's checkpoint was refused: rows may have been changed.",
    ),
}


def worded(kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with ``ko`` and ``en``, where the sender gave none and the kind has words."""
    known = WORDS.get(kind)
    return {"ko": known[0], "en": known[1], **body} if known else dict(body)
