"""Django app ``statistics``."""

from django.apps import AppConfig


class StatisticsConfig(AppConfig):
    """통계."""

    name = "gwanje.centre.statistics"
    label = "statistics"
    verbose_name = "통계"
