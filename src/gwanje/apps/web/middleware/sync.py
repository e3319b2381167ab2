"""Django's own middleware, kept synchronous: the whole stack of a request runs in one thread and one transaction."""

from __future__ import annotations

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.middleware.common import CommonMiddleware
from django.middleware.csrf import CsrfViewMiddleware


class Session(SessionMiddleware):
    """Sessions in the database."""

    async_capable = False


class Common(CommonMiddleware):
    """Host check and slashes."""

    async_capable = False


class Csrf(CsrfViewMiddleware):
    """Cross-site request forgery."""

    async_capable = False


class Authentication(AuthenticationMiddleware):
    """``request.user``."""

    async_capable = False


class Messages(MessageMiddleware):
    """One-time notices."""

    async_capable = False
