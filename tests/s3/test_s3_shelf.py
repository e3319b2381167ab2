"""The object store behind the seam: what is put reads back by ranges, and what is erased is gone with its versions."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from gwanje.vault.s3_bucket import Bucket
from gwanje.vault.segment import SegmentReader
from gwanje.vault.store import StoreAway, StoreRefused, index_of
from gwanje.vault.store_s3 import S3Shelf, index_name
from gwanje.vault.verify import verify_reader
from tests.vault.sealed_rig import EPOCH, seal

pytestmark = pytest.mark.s3


def put(shelf, path):
    name = str(path.relative_to(shelf.root))
    with SegmentReader(path) as reader:
        shelf.put(index_name(name), index_of(reader, path.stat().st_size, bytes(32)))
    shelf.put(name, path)
    return name


@pytest.mark.parametrize("size", [4000, 6 << 20])
def test_a_segment_reads_back_part_by_part(bucket, store, size):
    shelf = S3Shelf(bucket, store)
    shelf.ready()
    path = seal(store, size=size, seconds=4)
    name = put(shelf, path)
    with SegmentReader(path) as near, shelf.open(name) as far, shelf.open(name, whole=True) as whole:
        assert far.parts == near.parts == whole.parts
        assert far.root == near.root
        assert [far.read(part) for part in reversed(far.parts)] == [near.read(part) for part in reversed(near.parts)]
        assert not verify_reader(whole).problems
    assert shelf.digest(name) == hashlib.sha256(path.read_bytes()).digest()
    assert (shelf.folders(), shelf.folders("1"), shelf.folders(f"1/{EPOCH}")) == (["1"], [str(EPOCH)], ["3"])
    assert [(e.name, e.size) for e in shelf.files(f"1/{EPOCH}/3")] == [(name, path.stat().st_size)]
    assert list(shelf.files(f"1/{EPOCH - 1}")) == []
    # a stray whose index was lost is still read
    shelf._store.delete(shelf._key(index_name(name)))
    with shelf.open(name) as reader:
        assert not verify_reader(reader).problems


def test_what_is_not_there_and_who_may_not(bucket, store):
    shelf = S3Shelf(bucket, store)
    with pytest.raises(FileNotFoundError):
        shelf.open(f"1/{EPOCH}/3/0-1-none.gws")
    assert shelf.stat("1/2/3/x.gws") is None
    stranger = S3Shelf(dataclasses.replace(bucket, secret_key="wrong-secret-of-a-test"), store, retries=0)
    for act in (stranger.ready, lambda: list(stranger.files()), lambda: stranger.put("1/x", b"x")):
        with pytest.raises(StoreAway) as away:
            act()
        assert "wrong-secret" not in str(away.value)
        assert away.value.__cause__ is None
    with pytest.raises(StoreRefused, match="버킷이 없습니다"):
        S3Shelf(dataclasses.replace(bucket, bucket="none-of-that-name"), store).ready()


def test_a_bucket_with_versions_is_refused_and_erased_to_the_last(bucket, store):
    shelf, raw = S3Shelf(bucket, store), Bucket(bucket)
    name = put(shelf, seal(store))
    status(raw, "Enabled")
    put(shelf, store / name)
    shelf.put(name, b"a third version")
    with pytest.raises(StoreRefused, match="Enabled"):
        shelf.ready()
    assert versions(raw) == 5
    assert shelf.erase(f"1/{EPOCH}") == 1
    assert versions(raw) == 0
    assert list(shelf.files()) == []


def test_half_uploads_go_with_their_hour(bucket, store):
    shelf, raw = S3Shelf(bucket, store), Bucket(bucket)
    name = put(shelf, seal(store))
    other = put(shelf, seal(store, epoch=EPOCH + 1))
    for one in (name, other):
        raw._call("POST", shelf._key(one), {"uploads": ""})
    assert shelf.erase(f"1/{EPOCH}") == 1
    assert [key for key, _ in raw.uploads("hall/")] == [shelf._key(other)]
    assert [entry.name for entry in shelf.files()] == [other]
    assert shelf.erase(f"1/{EPOCH}") == 0


def versions(bucket):
    page = bucket._xml("GET", "", {"versions": ""})
    return sum(1 for tag in ("Version", "DeleteMarker") for _ in page.iter("{*}" + tag))


def status(bucket, value):
    """Versioning is a request with a body, which the product never sends: signed here by the client's own library."""
    from http.client import HTTPConnection

    from gwanje.vault import s3_bucket

    body = f"<VersioningConfiguration><Status>{value}</Status></VersioningConfiguration>".encode()
    settings = bucket._settings
    host, old = settings.endpoint.removeprefix("http://"), s3_bucket._EMPTY
    s3_bucket._EMPTY = hashlib.sha256(body).hexdigest()
    try:
        headers = bucket._signed("PUT", host, f"/{settings.bucket}", "versioning=")
    finally:
        s3_bucket._EMPTY = old
    asked = HTTPConnection(host, timeout=10)
    asked.request("PUT", f"/{settings.bucket}?versioning=", body, headers)
    assert asked.getresponse().status == 200
    asked.close()


def test_a_blanked_object_replaces_the_old_one(bucket, store):
    shelf = S3Shelf(bucket, store)
    path = seal(store, size=4000, seconds=4)
    name = put(shelf, path)
    old = path.read_bytes()
    assert shelf.blank(name, {2, 3}) == 6
    path.unlink()
    with shelf.open(name) as reader:
        assert not verify_reader(reader).problems
        assert verify_reader(reader).blanked == 6
        assert reader.read(reader.parts[3]) in old
    assert shelf.blank(name, {2, 3}) == 0
    assert not list(store.parent.glob("blank-*"))
