"""Argon2 at its lowest price, for tests only."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Cheap(Argon2PasswordHasher):
    """Same algorithm, 8 KiB and one pass."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
