"""Django app ``watching``."""

from django.apps import AppConfig


class WatchingConfig(AppConfig):
    """관제."""

    name = "gwanje.centre.watching"
    label = "watching"
    verbose_name = "관제"
