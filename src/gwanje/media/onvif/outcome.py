"""Outcome of asking a device (장치 응답 결과): a value, or why there is none; no exception passes a task's runner."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")
# faults that no further question to the same address mends
GONE = ("network", "timeout", "untrusted", "unreachable")

WORDS = {
    "timeout": ("정해진 시간 안에 응답하지 않았습니다", "no answer in time"),
    "network": ("연결할 수 없습니다", "cannot be reached"),
    "unreachable": ("카메라망 밖의 주소라 접속하지 않습니다", "an address that is not connected to"),
    "account": ("계정이나 비밀번호를 받아들이지 않습니다", "the account or password is refused"),
    "unsupported": ("이 기기가 지원하지 않습니다", "not supported by this device"),
    "refused": ("기기가 거부했습니다", "refused by the device"),
    "unreadable": ("응답을 읽을 수 없습니다", "the answer cannot be read"),
    "large": ("응답이 한도를 넘습니다", "the answer passes the limit"),
    "untrusted": ("기기 인증서를 신뢰할 수 없습니다", "the device's certificate is not trusted"),
    "other": ("설정이 요구한 대로 바뀌지 않았습니다", "it did not take what was set"),
}


class DeviceFault(ConnectionError):
    """What went wrong with one question. ``kind``: a key of ``WORDS``; ``detail``: the device's cleaned words."""

    def __init__(self, kind: str, detail: str = "", status: int = 0) -> None:
        super().__init__(f"{WORDS[kind][1]}: {detail}" if detail else WORDS[kind][1])
        self.kind, self.detail, self.status = kind, detail, status

    def as_json(self) -> dict[str, Any]:
        """Kind, Korean and English words, the device's own words, HTTP status."""
        ko, en = WORDS[self.kind]
        return {"fault": self.kind, "ko": ko, "en": en, "said": self.detail, "status": self.status}


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """A value or a fault, never both."""

    value: T | None = None
    fault: DeviceFault | None = None


async def outcome(asked: Awaitable[T]) -> Outcome[T]:
    """Wait for an answer and keep a fault as data."""
    try:
        return Outcome(await asked)
    except DeviceFault as fault:
        return Outcome(fault=fault)
