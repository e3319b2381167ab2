"""The date in the top bar, as letters write it: every weekday has its name, 일 and 월 too."""

from __future__ import annotations

import json
import subprocess

import pytest

from tools.dev.setup import node
from tools.tidy.files import ROOT

TEXT = ROOT / "src/gwanje/apps/web/static/app/text.js"
SUNDAY_S = 1_795_273_200


@pytest.mark.parametrize(("language", "names"), [("ko", "일 월 화 수 목 금 토"), ("en", "Sun Mon Tue Wed Thu Fri Sat")])
def test_a_week_of_dates(language: str, names: str) -> None:
    code = f"""
        globalThis.document = {{ documentElement: {{ lang: {json.dumps(language)} }} }};
        const source = {json.dumps(TEXT.read_text())};
        const {{ letterDate }} = await import("data:text/javascript," + encodeURIComponent(source));
        const days = [0, 1, 2, 3, 4, 5, 6].map(n => letterDate({SUNDAY_S} + n * 86400));
        console.log(JSON.stringify(days));
    """
    line = [*map(str, node()[0]), "--input-type=module", "-e", code]
    done = subprocess.run(line, capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == [f"2026. 11. {22 + n}.({name})" for n, name in enumerate(names.split())]
