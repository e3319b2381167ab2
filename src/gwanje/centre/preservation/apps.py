"""Django app ``preservation``."""

from django.apps import AppConfig


class PreservationConfig(AppConfig):
    """보존·삭제."""

    name = "gwanje.centre.preservation"
    label = "preservation"
    verbose_name = "보존·삭제"
