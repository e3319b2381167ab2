"""Where norms meet code (규범과 코드의 연결): ``@enforces`` on pure rules, ``@upholds`` on guards and checkers."""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from gwanje.law import switch
from gwanje.law.decision import NEVER, Decision, Duty, Invariant

F = TypeVar("F", bound=Callable[..., Any])
ROOTS = ("gwanje.law", "gwanje.kernel", "gwanje.vault", "gwanje.media", "gwanje.centre")


@dataclass(frozen=True)
class Enforcement:
    """A rule in code: the norms it enforces, the function, and its symbol ``module:name``."""

    norms: tuple[str, ...]
    rule: Callable[..., Decision | Duty]
    symbol: str
    line: int


class Registry:
    """What this process has imported: rules by norm, guards by norm."""

    def __init__(self) -> None:
        self.rules: dict[str, list[Enforcement]] = {}
        self.guards: dict[str, list[Invariant]] = {}

    def norms(self) -> frozenset[str]:
        """Every norm that some imported code enforces or upholds."""
        return frozenset(self.rules) | frozenset(self.guards)

    def symbols(self, norm: str) -> tuple[str, ...]:
        """Code symbols behind a norm, rules first."""
        found = [e.symbol for e in self.rules.get(norm, [])] + [g.symbol for g in self.guards.get(norm, [])]
        return tuple(dict.fromkeys(found))


REGISTRY = Registry()


def enforces(*norms: str) -> Callable[[F], F]:
    """Register a pure rule (규칙): ``rule(facts: Mapping[str, Any], law: InForce) -> Decision | Duty``.

    The rule reads nothing but its two arguments. With one of its norms switched off (mutants run only), that
    norm's reasons fall out of its Decision, and a Duty is never due.
    """
    if not norms:
        raise TypeError("name the norm that the rule enforces")

    def register(rule: F) -> F:
        @functools.wraps(rule)
        def judged(*args: Any, **kwargs: Any) -> Any:
            result = rule(*args, **kwargs)
            if switch.switched_off():
                return permissive(result, norms, found.symbol)
            return result

        found = Enforcement(norms, judged, _symbol(rule), _line(rule))
        for norm in norms:
            known = [e for e in REGISTRY.rules.get(norm, []) if e.symbol != found.symbol]
            REGISTRY.rules[norm] = [*known, found]
        return judged  # type: ignore[return-value]

    return register


def permissive(result: Decision | Duty, norms: tuple[str, ...], symbol: str) -> Decision | Duty:
    """What the rule would have said with the switched-off norms among ``norms`` not there."""
    off = {norm for norm in norms if switch.is_off(norm, symbol)}
    if not off:
        return result
    if isinstance(result, Duty):
        return replace(result, due_on=NEVER, due_at=None) if result.norm in off else result
    left = tuple(r for r in result.reasons if (r.norm or norms[0]) not in off)
    return replace(result, reasons=left, allow=not left)


def upholds(norm: str, *, role: str = "guard", passes: Any = None) -> Callable[[F], F]:
    """Register a guard or checker of an invariant (불변 조건의 방어선).

    ``role``: ``guard`` (makes the wrong impossible) or ``check`` (looks for it). ``passes``: what it answers
    when the norm is switched off: a value, or a function of the same arguments. A class is registered as it is.
    """

    def register(guard: F) -> F:
        found = Invariant(norm, _symbol(guard), role)
        known = [g for g in REGISTRY.guards.get(norm, []) if g.symbol != found.symbol]
        REGISTRY.guards[norm] = [*known, found]
        if inspect.isclass(guard):
            return guard
        return _guarded(norm, guard, passes)

    return register


def _guarded(norm: str, guard: F, passes: Any) -> F:
    def answer(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        return passes(*args, **kwargs) if callable(passes) else passes

    def away() -> bool:
        return bool(switch.switched_off()) and switch.is_off(norm, symbol)

    symbol = _symbol(guard)
    if inspect.iscoroutinefunction(guard):

        @functools.wraps(guard)
        async def awaited(*args: Any, **kwargs: Any) -> Any:
            return answer(args, kwargs) if away() else await guard(*args, **kwargs)

        return awaited  # type: ignore[return-value]

    @functools.wraps(guard)
    def called(*args: Any, **kwargs: Any) -> Any:
        return answer(args, kwargs) if away() else guard(*args, **kwargs)

    return called  # type: ignore[return-value]


def discover() -> dict[str, str]:
    """Import every module that may hold a rule or a guard; gives back what could not be imported, and why.

    ``rules`` modules of the centre, and all of law, kernel, vault and media. Django models are never touched.
    """
    failed: dict[str, str] = {}
    for root in ROOTS:
        package = importlib.import_module(root)
        for module in pkgutil.walk_packages(package.__path__, root + ".", onerror=lambda name: None):
            leaf = module.name.rsplit(".", 1)[1]
            if leaf == "__main__" or (root.endswith(".centre") and ".rules" not in module.name):
                continue
            try:
                importlib.import_module(module.name)
            except Exception as error:  # a broken module is a finding of the trace, whatever it raised
                failed[module.name] = f"{type(error).__name__}: {error}"
    return failed


def _symbol(thing: Any) -> str:
    return f"{thing.__module__}:{thing.__qualname__}"


def _line(thing: Any) -> int:
    code = getattr(inspect.unwrap(thing), "__code__", None)
    return int(code.co_firstlineno) if code is not None else 0
