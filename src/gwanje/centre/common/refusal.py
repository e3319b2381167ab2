"""Refusals and bad input (거부·입력 오류): what a service raises and what the web turns into a page or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils.text import normalize_newlines
from django.utils.translation import get_language

from gwanje.kernel.canonical import nfc

if TYPE_CHECKING:
    from gwanje.kernel.actor import Actor
    from gwanje.law import Decision


class Refused(Exception):
    """A Decision says no; the web writes one ledger row after the act was rolled back, then answers.

    ``action``: the policy action; ``facts``: what the ledger row names beside the Decision
    (cameras, first, until, ground, case, detail). Status 404 when the reason is ``not_found``, else 403.
    """

    def __init__(self, decision: Decision, action: str, actor: Actor, **facts: Any) -> None:
        super().__init__(f"{action}: {', '.join(r.code for r in decision.reasons)}")
        self.decision, self.action, self.actor, self.facts = decision, action, actor, facts

    @property
    def status(self) -> int:
        """HTTP status."""
        return 404 if any(reason.code == "not_found" for reason in self.decision.reasons) else 403


class Problem(Exception):
    """Input that cannot be taken: what is wrong, why, by which rule, what to do next; nothing was written.

    ``code``: a stable word; ``ko``, ``en``: the message; ``rule``: article or limit; ``next``: what helps.
    ``more``: what else a client of the API needs to go on.
    """

    def __init__(
        self, code: str, ko: str, en: str, *, rule: str = "", next_: str = "", next_en: str = "", status: int = 422
    ) -> None:
        super().__init__(f"{code}: {en}")
        self.code, self.ko, self.en, self.rule, self.status = code, ko, en, rule, status
        # some rooms write both languages in one, a slash between them
        both, _, english = next_.partition(" / ")
        self.next, self.next_en = both, next_en or english
        self.more: dict[str, str] = {}

    def body(self) -> dict[str, str]:
        """The JSON of the API."""
        said = {"error": self.code, "ko": self.ko, "en": self.en, "rule": self.rule, "next": self.next}
        return {**said, **({"next_en": self.next_en} if self.next_en else {}), **self.more}


def missing(what_ko: str, what_en: str) -> Problem:
    """404 for a row that is not there or is not the actor's to see; both look alike."""
    return Problem("not_found", f"{josa(what_ko, '을', '를')} 찾을 수 없습니다.", f"{what_en} not found.", status=404)


def josa(word: str, closed: str, open_: str) -> str:
    """The word with the particle (조사) that its last syllable wants: 계정을, 기기를."""
    last = ord(word[-1]) - 0xAC00 if word else 0
    return word + (closed if 0 <= last < 11172 and last % 28 else open_)


def say(problem: Problem) -> str:
    """What is wrong and what to do next, in the language of the page: for the head of a form."""
    said = (problem.en, problem.next_en) if get_language() == "en" else (problem.ko, problem.next)
    return " ".join(part for part in said if part)


def uuid_of(text: str, what_ko: str = "항목", what_en: str = "item") -> UUID:
    """A UUID from a URL or form; ``missing`` when it is none."""
    try:
        return UUID(str(text))
    except ValueError:
        raise missing(what_ko, what_en) from None


def vault_away() -> Problem:
    """503: the key service does not answer, so nothing that needs it was done."""
    return Problem(
        "vault_away",
        "영상 키 관리 장치가 응답하지 않습니다. 저장된 것은 없습니다.",
        "The key service does not answer; nothing was opened or saved.",
        next_="잠시 뒤 다시 하십시오.",
        next_en="Try again shortly.",
        status=503,
    )


def clean(text: str, most: int, ko: str, en: str) -> str:
    """Text as it was typed, NFC, line ends and edges tidied; Problem ``too_long`` beyond ``most`` characters."""
    value = nfc(normalize_newlines(text or "").strip())
    if len(value) > most:
        raise Problem("too_long", f"{josa(ko, '은', '는')} {most}자까지입니다.", f"{en} may have {most} characters.")
    return value
