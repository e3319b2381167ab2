"""A seeded sample of the matrix of transports and codecs; the whole of it is ``./dev bench matrix``."""

from __future__ import annotations

import random

import pytest

from bench import matrix


@pytest.mark.norm("audio.never", "deny")
def test_a_sample_of_transports_and_codecs_records_decodes_and_holds_no_sound() -> None:
    # each transport and each codec twice, half of them beside a sound track
    draw = random.Random(20261121)
    codecs = draw.sample(matrix.CODECS, 4) + draw.sample(matrix.CODECS, 4)
    cells = [
        matrix.Cell(transport, codec, number % 2 == 0, draw.choice(matrix.KINDS))
        for number, (transport, codec) in enumerate(zip(matrix.TRANSPORTS * 2, codecs, strict=True))
    ]
    found = matrix.run(cells, 9, gst=False)
    assert {name: said for name, said in found.items() if not said["records"]} == {}
    assert not any(said["sound"] for said in found.values())
    whole = [said["frames"] for name, said in found.items() if name.startswith("file-")]
    assert whole
    assert set(whole) == {matrix.FRAMES}
