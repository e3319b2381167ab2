"""Django app ``papers``."""

from django.apps import AppConfig


class PapersConfig(AppConfig):
    """서식."""

    name = "gwanje.centre.papers"
    label = "papers"
    verbose_name = "서식"
