"""The web project as a Django app: it carries the first migration, the templates and the static files."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig

from gwanje.apps.web.rooms import ROOMS, present


class WebConfig(AppConfig):
    """Label ``web``; at start every room's rules go into the one policy object."""

    name = "gwanje.apps.web"
    label = "web"
    verbose_name = "관제"

    def ready(self) -> None:
        """Register the rules of all centre apps."""
        from django.conf import settings

        from gwanje.kernel import policy

        policy.use_clock(settings.GWANJE_HOME.clock)
        register_rules()


def register_rules() -> list[str]:
    """Call ``register(policy)`` of every ``gwanje.centre.<app>.rules``; returns the apps that had one."""
    from gwanje.kernel import policy

    done = []
    for name in ROOMS:
        if not present(name, "rules"):
            continue
        register = getattr(import_module(f"gwanje.centre.{name}.rules"), "register", None)
        if register is not None:
            register(policy)
            done.append(name)
    return done
