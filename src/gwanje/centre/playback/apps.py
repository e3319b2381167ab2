"""Django app ``playback``."""

from django.apps import AppConfig


class PlaybackConfig(AppConfig):
    """저장 영상 열람·재생."""

    name = "gwanje.centre.playback"
    label = "playback"
    verbose_name = "재생"
