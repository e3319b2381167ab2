"""Transaction and person of a request (요청의 트랜잭션·행위자), and what becomes of a refusal.

One database transaction spans the request. It begins with the system's scope, in which the session and the person
are read; ``Person`` narrows it to the person's agencies before any view runs. The view has a savepoint of its own
(ATOMIC_REQUESTS), so a refused act is rolled back while the ledger row of its refusal commits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.db import DataError, connection, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from gwanje.apps.web import answers
from gwanje.centre.common.refusal import Problem, Refused
from gwanje.centre.staff import api as staff
from gwanje.kernel.footage import Cursor
from gwanje.kernel.rls import set_scope
from gwanje.vault.client import VaultAway, VaultRefused

OPEN = ("/health", "/static/", "/log/")
UNSTORABLE = Problem(
    "value",
    "저장할 수 없는 글자나 범위를 벗어난 수가 있습니다. 저장된 것은 없습니다.",
    "A character or a number cannot be stored; nothing was saved.",
    next_="입력한 값을 고쳐 다시 하십시오.",
)


class Transaction:
    """Opens the request's transaction; paths that need no database get none."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(OPEN):
            return self.get_response(request)
        with transaction.atomic():
            set_scope(cast(Cursor, connection.cursor()), "system")
            response = self.get_response(request)
            if connection.needs_rollback:
                # a fault broke the transaction: its savepoints are gone and nothing of it may stay
                transaction.set_rollback(True)
        return response


class Person:
    """Builds ``request.actor``, narrows the scope, and answers refusals and bad input."""

    sync_capable, async_capable = True, False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(OPEN):
            return self.get_response(request)
        request.actor = staff.actor_of(request)  # type: ignore[attr-defined]
        staff.enter_scope(request)
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponseBase | None:
        """Refusals and bad input become answers; every other fault goes to the incident page."""
        if isinstance(error, Refused):
            return answers.refused(request, error)
        if isinstance(error, Problem):
            return answers.problem(request, error)
        if isinstance(error, VaultAway | VaultRefused):
            return answers.vault(request, error)
        if isinstance(error, DataError):
            # a NUL in a text, a number past 64 bits: the view's savepoint is gone, so nothing of it was written
            return answers.problem(request, UNSTORABLE)
        return None
