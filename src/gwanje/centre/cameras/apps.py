"""Django app ``cameras``."""

from django.apps import AppConfig


class CamerasConfig(AppConfig):
    """영상정보처리기기."""

    name = "gwanje.centre.cameras"
    label = "cameras"
    verbose_name = "영상정보처리기기"
