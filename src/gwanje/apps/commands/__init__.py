"""Commands of ``gwanje``: one module each, with ``register(subparsers)``."""
