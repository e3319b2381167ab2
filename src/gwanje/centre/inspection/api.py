"""What other rooms may ask inspection (점검 조회): is a camera faulty now?"""

from __future__ import annotations

from uuid import UUID

from gwanje.centre.inspection.models import Fault


def faulty(camera: UUID) -> list[str]:
    """What is wrong with a camera now (장애내용), as far as the transaction's scope goes; 20 at most."""
    rows = Fault.objects.filter(camera_id=camera, healed_at__isnull=True, handled_at__isnull=True)
    return list(rows.values_list("said", flat=True)[:20])
