"""Registered recorders for tests: one that vaultd has admitted (this machine's), or a stranger's row."""

from __future__ import annotations

from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

from gwanje.kernel import keys
from gwanje.kernel.accounts import sealing_words
from gwanje.kernel.home import Home
from gwanje.kernel.ids import uuid7


def enrol(home: Home, name: str = "r", *, admitted: bool = True, proven: bool = True) -> UUID:
    """Write a recorder's row; its sealing key is the home's. ``admitted`` False: signed by a key nobody admitted."""
    made = uuid7()
    signing = keys.signing_key(home, "recorder", create=True) if admitted else Ed25519PrivateKey.generate()
    sealing = keys.raw_public(keys.sealing_key(home, "recorder", create=True))
    proof = signing.sign(sealing_words(made, sealing)) if proven else bytes(64)
    connection.cursor().execute(
        "insert into footage_recorder (id, name, signing_key, sealing_key, sealing_proof, url) "
        "values (%s, %s, %s, %s, %s, 'ws://x')",
        [made, name, keys.raw_public(signing), sealing, proof],
    )
    return made
