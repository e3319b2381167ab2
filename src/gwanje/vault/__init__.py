"""Vault (금고): key tree, keystore, sealed parts, stores, destruction, verifier."""
