"""Fonts (글꼴) for documents: the folder that Typst reads, filled by ``./dev setup``."""

from __future__ import annotations

from pathlib import Path

FAMILY = "Pretendard"


def folder() -> Path:
    """Folder with Pretendard and four fonts of Noto (TTF); FileNotFoundError before set-up."""
    found = Path(__file__).parent / "web/static/vendor/fonts"
    if not (found / "Pretendard-Regular.ttf").is_file():
        raise FileNotFoundError(f"글꼴이 없습니다. ./dev setup / no fonts yet, run ./dev setup: {found}")
    return found
