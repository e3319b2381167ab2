"""Refusals of the vault (거부 사유): one code, one sentence in Korean and in English, used by every door."""

from __future__ import annotations

from typing import Final


class VaultError(Exception):
    """Anything the vault refuses; ``code`` is stable, ``str()`` is Korean then English."""

    def __init__(self, code: str, detail: str = "") -> None:
        korean, english = TEXT.get(code, ("거부되었습니다.", "Refused."))
        super().__init__(f"{korean} / {english}" + (f" ({detail})" if detail else ""))
        self.code = code
        self.detail = detail


class SegmentBroken(VaultError):
    """A segment file or a part does not have the bytes of version 1."""


class PartRefused(VaultError):
    """A sealed part does not open: another key, or changed bytes."""


class CipherAway(VaultError):
    """The cipher is known but this machine has no provider for it."""


TEXT: Final[dict[str, tuple[str, str]]] = {
    "segment_magic": ("영상 파일의 머리글이 아닙니다.", "Not the header of a segment file."),
    "segment_version": ("지원하지 않는 영상 파일 판입니다.", "A segment version that is not supported."),
    "segment_field": ("영상 파일 머리글의 값이 범위를 벗어났습니다.", "A header field is out of range."),
    "segment_short": ("영상 파일이 머리글보다 짧습니다.", "The file is shorter than its header."),
    "part_magic": ("영상 조각의 머리글이 아닙니다.", "Not the header of a part."),
    "part_field": ("영상 조각 머리글의 값이 범위를 벗어났습니다.", "A part header field is out of range."),
    "part_order": ("영상 조각의 순번이나 시각 순서가 어긋났습니다.", "Parts are out of order."),
    "part_limit": ("영상 조각이 한도를 넘었습니다.", "A part passes its limit."),
    "trailer": ("영상 파일의 마감 기록이 내용과 다릅니다.", "The trailer does not fit the parts."),
    "commitment": ("키가 이 영상 조각의 것이 아닙니다.", "The key is not this part's (commitment)."),
    "tag": ("영상 조각이 변경되었거나 키가 다릅니다.", "The part was changed, or the key is another (tag)."),
    "init_digest": ("초기화 조각이 머리글의 값과 다릅니다.", "The init part is not the one the header names."),
    "cipher_away": ("이 장비에는 해당 암호 모듈이 없습니다.", "This machine has no provider for the cipher."),
    "cipher_unknown": ("알 수 없는 암호 번호입니다.", "An unknown cipher number."),
    "writer_closed": ("이미 마감한 영상 파일입니다.", "The segment is closed."),
}
