"""Objects of the retention rows."""

from gwanje.centre.common import clock
from gwanje.centre.retention.models import Certificate
from gwanje.kernel.canonical import encode
from gwanje.kernel.ids import uuid7


def certificate(world):
    """A certificate as it stands in the table; what it says does not matter to the matrix."""
    found = Certificate.objects.first()
    if found is not None:
        return found
    said = {"articles": [], "attempt": {}, "exceptions": [], "officers": [], "ledger": {}, "level_text": ["", ""]}
    return Certificate.objects.create(
        number="파기-2026-0001", issued_at=clock().now(), body=encode(said), sha256="0" * 64, readable=said,
        pdf=b"%PDF-1.7", level="L1", hours=1, camera_hours=1, parts=1, ledger_row=uuid7(),
    )  # fmt: skip


OBJECTS = {"certificate": certificate}
