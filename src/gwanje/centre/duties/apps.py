"""Django app ``duties``."""

from django.apps import AppConfig


class DutiesConfig(AppConfig):
    """할 일·기한."""

    name = "gwanje.centre.duties"
    label = "duties"
    verbose_name = "할 일·기한"
