"""Django app ``watching``."""

from django.apps import AppConfig


class WatchingConfig(AppConfig):
    """관제."""

    name = "gwanje.centre.watching"
    label = "watching"
    verbose_name = "관제"

    def ready(self) -> None:
        """What this room ends when a person leaves."""
        from gwanje.centre.staff import api as staff
        from gwanje.centre.watching import leaving

        staff.on_departure("watching", leaving.end_for)
