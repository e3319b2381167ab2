"""Kernel (핵심부): clock, ids, canonical bytes, Permit, ledger, events, footage index. Imports only ``law``."""
