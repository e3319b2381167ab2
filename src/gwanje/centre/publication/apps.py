"""Django app ``publication``."""

from django.apps import AppConfig


class PublicationConfig(AppConfig):
    """조문별 이행 공개."""

    name = "gwanje.centre.publication"
    label = "publication"
    verbose_name = "공개"
