"""A request for stored video that a second person approved (열람 승인), as a viewing room and a chief make it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from story.centre import Centre, until


def approved(centre: Centre, cameras: Sequence[str], seconds: int, case: str) -> str:
    """Wait until all cameras have ``seconds`` behind them, ask for those and have it approved; the player's path."""
    officer, chief = centre.sign_in("police", "열람실-1"), centre.sign_in("chief", "관제석-4")

    def recorded() -> int:
        now = int(time.time())
        # a look that is wider than what is asked for: a range begins at the key frame before it
        seen = officer.post(
            "/api/playback/look", {"cameras": list(cameras), "first": now - seconds - 12, "until": now - 9}
        )
        return now if all(camera["seconds"] >= seconds + 3 for camera in seen.json["cameras"]) else 0

    now = until(f"{seconds + 3} seconds of {len(cameras)} cameras stored", recorded, 120, 1)
    ground = next(g["code"] for g in officer.get("/api/playback/grounds").json if "수사" in g["ko"])
    body = {
        "cameras": list(cameras), "first": now - seconds - 11, "until": now - 11, "ground": ground, "case": case,
        "document": "○○경찰서 형사과-1234(2026. 11. 20.)", "purpose": "시청 앞 폭행 사건의 증거 확보",
    }  # fmt: skip
    made = officer.post("/api/playback/requests", body)
    assert made.status == 200, made.text
    agreed = chief.post(f"/api/playback/requests/{made.json['id']}/approve", {"note": "적정"})
    assert agreed.status == 200, agreed.text
    return f"/playback/requests/{made.json['id']}/play/"
