"""Django app ``retention``."""

from django.apps import AppConfig


class RetentionConfig(AppConfig):
    """보관·파기."""

    name = "gwanje.centre.retention"
    label = "retention"
    verbose_name = "보관·파기"
