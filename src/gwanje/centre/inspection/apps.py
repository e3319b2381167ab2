"""Django app ``inspection``."""

from django.apps import AppConfig


class InspectionConfig(AppConfig):
    """점검."""

    name = "gwanje.centre.inspection"
    label = "inspection"
    verbose_name = "점검"
