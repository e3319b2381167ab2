"""Django app ``playback``."""

from django.apps import AppConfig


class PlaybackConfig(AppConfig):
    """저장 영상 열람·재생."""

    name = "gwanje.centre.playback"
    label = "playback"
    verbose_name = "재생"

    def ready(self) -> None:
        """What this room ends when a person leaves."""
        from gwanje.centre.playback import leaving
        from gwanje.centre.staff import api as staff

        staff.on_departure("playback", leaving.end_for)
