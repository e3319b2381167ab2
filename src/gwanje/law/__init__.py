"""Law (법): packs, dated parameters, norms, Decision, Duty, Invariant, legal calendar. Pure."""

from gwanje.law.decision import ArticleRef, BadDecision, Decision, Duty, Invariant, Reason, combine
from gwanje.law.force import Conflict, Ground, InForce, Law, NotInForce, Parameter, load
from gwanje.law.registry import REGISTRY, enforces, upholds
from gwanje.law.schema import PackError

__all__ = [
    "REGISTRY",
    "ArticleRef",
    "BadDecision",
    "Conflict",
    "Decision",
    "Duty",
    "Ground",
    "InForce",
    "Invariant",
    "Law",
    "NotInForce",
    "PackError",
    "Parameter",
    "Reason",
    "combine",
    "enforces",
    "load",
    "upholds",
]
