"""Ledger (관리대장·접속기록): a row joins the acting transaction; a leaf of it stays and verifies for ever."""

from gwanje.kernel.ledger.entry import (
    KEEP_YEARS,
    MANY_MAX,
    OUTCOMES,
    BadEntry,
    Entry,
    append,
    append_many,
    decision_digest,
    leaf_bytes,
)
from gwanje.kernel.ledger.read import Filters, Row, counts_by_norm, erase_due, last_checkpoint, rows, size
from gwanje.kernel.ledger.refusal import count_refusal, flush_refusals, in_full

__all__ = [
    "KEEP_YEARS",
    "MANY_MAX",
    "OUTCOMES",
    "BadEntry",
    "Entry",
    "Filters",
    "Row",
    "append",
    "append_many",
    "count_refusal",
    "counts_by_norm",
    "decision_digest",
    "erase_due",
    "flush_refusals",
    "in_full",
    "last_checkpoint",
    "leaf_bytes",
    "rows",
    "size",
]
