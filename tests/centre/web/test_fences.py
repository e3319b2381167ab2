"""The database's own fence: triggers, policies and grants stand, asked of PostgreSQL itself as each role."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError, ProgrammingError

from gwanje.centre.staff import services
from gwanje.centre.staff.models import Person
from gwanje.kernel.database import connect
from gwanje.kernel.rls import policies, set_scope
from support import home
from support.centre import PASSWORD

pytestmark = pytest.mark.django_db
# tables whose column of that name says whose footage, person or act a row is
AGENCY_COLUMNS = ("agency", "agency_id")


def ask(sql, *values):
    """All rows of a query as the app's role."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def test_the_app_role_is_no_owner_and_bypasses_nothing():
    rows = ask(
        "select rolname, rolsuper, rolbypassrls, rolcreaterole from pg_roles where rolname like 'gwanje\\_%%' "
        "and rolname <> 'gwanje_super' order by 1"
    )
    assert [row[0] for row in rows] == ["gwanje_app", "gwanje_auditor", "gwanje_owner"]
    assert not any(flag for row in rows for flag in row[1:])
    assert ask("select current_user") == [("gwanje_app",)]
    assert ask("select count(*) from pg_tables where schemaname = 'public' and tableowner <> 'gwanje_owner'") == [(0,)]


def test_every_table_with_an_agency_has_its_fence():
    found = ask(
        "select c.relname, c.relrowsecurity, (select count(*) from pg_policies p where p.tablename = c.relname) "
        "from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and c.relkind = 'r' "
        "and exists (select from pg_attribute a join pg_type t on t.oid = a.atttypid where a.attrelid = c.oid "
        "and a.attname = any(%s) and t.typname = 'uuid' and not a.attisdropped) order by 1",
        list(AGENCY_COLUMNS),
    )
    open_ = [name for name, secured, count in found if not (secured and count)]
    assert len(found) > 8
    assert not open_, "tables with an agency but without row-level security"


def test_without_a_scope_nothing_is_seen(city, hire):
    hire("operator")
    set_scope(connection.cursor(), "none")
    assert not Person.objects.exists()
    set_scope(connection.cursor(), "agency", [city.pk])
    assert Person.objects.exists()


def test_another_agencys_scope_neither_sees_nor_writes(city, police, hire):
    person = hire("operator")
    set_scope(connection.cursor(), "agency", [police.pk])
    assert not Person.objects.filter(pk=person.pk).exists()
    assert Person.objects.filter(pk=person.pk).update(name="바뀜") == 0
    with pytest.raises(ProgrammingError), transaction.atomic():
        services.create_person("intruder", "침입", city, PASSWORD)


def test_the_scope_ends_with_the_transaction():
    with connect(home(), "app", autocommit=False) as other:
        other.rollback()
        with other.transaction():
            other.execute("select set_config('gwanje.scope', 'none', true)")
        # a connection of a service has the system's scope again, whatever a transaction set
        assert other.execute("select current_setting('gwanje.scope')").fetchone() == ("system",)


@pytest.mark.parametrize(
    "sql",
    [
        "update ledger_leaf set leaf = leaf",
        "delete from ledger_leaf",
        "truncate ledger_leaf",
        "update ledger_opening set kind = kind",
        "delete from ledger_opening",
        "delete from ledger_node",
        "update ledger_checkpoint set note = note",
        "alter table ledger_leaf disable trigger all",
        "drop policy agency_fence on staff_person",
        "alter table staff_person disable row level security",
        "update playback_approval set agreed = true",
        "delete from playback_issue",
        "create table public.mine (a int)",
    ],
)
def test_the_app_role_cannot(sql):
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize(
    "sql",
    ["update ledger_opening set kind = kind", "delete from ledger_leaf", "truncate ledger_leaf, ledger_opening"],
)
def test_not_even_the_owner_changes_the_ledger(sql):
    with connect(home(), "owner", autocommit=False) as owner, pytest.raises(psycopg.Error):
        owner.execute(sql)


def test_the_auditor_reads_and_only_reads(hire):
    with connect(home(), "auditor") as auditor:
        auditor.execute("select count(*) from ledger_opening")
        auditor.execute("select id, name, contractor from staff_person")
        for sql in (
            "select password from staff_person",
            "select * from django_session",
            "update staff_agency set name = name",
            "insert into ledger_setting values ('a', 'b')",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                auditor.execute(sql)


def test_policies_take_plain_names_only():
    with pytest.raises(ValueError, match="plain"):
        policies("staff_person; drop table x")
    with pytest.raises(ValueError, match="plain"):
        policies("t", "a = a or agency_id")
