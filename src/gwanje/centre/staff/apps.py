"""Django app ``staff``."""

from django.apps import AppConfig


class StaffConfig(AppConfig):
    """인력·권한."""

    name = "gwanje.centre.staff"
    label = "staff"
    verbose_name = "인력"
