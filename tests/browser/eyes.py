"""Reading a page as an eye does: the burnt-in counters from the pixels of a screenshot."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from gwanje.media.sim import counter

# the picture inside a video element with object-fit: contain, in CSS pixels of the page
PICTURE = """videos => videos.map(v => {
  const box = v.getBoundingClientRect();
  const share = Math.min(box.width / v.videoWidth, box.height / v.videoHeight);
  const [w, h] = [v.videoWidth * share, v.videoHeight * share];
  return [box.x + (box.width - w) / 2, box.y + (box.height - h) / 2, w, h];
})"""


def counters(page: Page, selector: str = "gw-tile[data-state=live] video") -> list[int | None]:
    """The frame numbers that stand in the pictures now, None where none can be read."""
    boxes = page.locator(selector).evaluate_all(PICTURE)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    found: list[int | None] = []
    for x, y, w, h in boxes:
        if not w or not h:
            found.append(None)
            continue
        # half pixels at the edge belong to the ground: the crop is scaled to whole pixels of the picture
        cut = shot.resize((round(w) * 2, round(h) * 2), Image.Resampling.BILINEAR, box=(x, y, x + w, y + h))
        found.append(counter.read(np.asarray(cut)))
    return found


def states(page: Page) -> list[str]:
    """State of each tile."""
    return page.locator("gw-tile").evaluate_all("tiles => tiles.map(t => t.dataset.state || '')")
