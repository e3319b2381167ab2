"""A file whose name is no text lies in a dead hour: it dies like all others, and its certificate can be made."""

from __future__ import annotations

import json
import os

from gwanje.centre.common.documents import spelt
from gwanje.centre.retention import files
from gwanje.kernel.canonical import encode, nfc
from gwanje.kernel.home import Home


def test_a_name_that_is_no_text_can_be_stored_signed_and_printed(tmp_path):
    home = Home.create(tmp_path / "data", port=9000)
    folder = home.store / "1" / "480000" / "7"
    folder.mkdir(parents=True)
    path = os.fsencode(folder) + b"/\xff\xfe\xf0\x9f\x98\x80.gws"
    with open(path, "wb") as file:
        file.write(b"nothing that is ours" * 20)
    (found,) = files.survey(home, 1, 480_000).exceptions
    assert found["why"]
    assert json.dumps(found, ensure_ascii=False).encode()
    assert encode(nfc(found["file"]))
    assert spelt(found["file"]).isascii()
    assert files.erase(home, 1, 480_000) == 1
    assert not os.path.exists(path)
