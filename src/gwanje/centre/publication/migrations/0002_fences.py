"""Row-level security per agency; anyone may read what was announced, nobody deletes, an announced body stands."""

from django.db import migrations

from gwanje.kernel.rls import drop, policies

TABLES = tuple(f"publication_{name}" for name in ("department", "text", "version", "sign"))
# what was announced is public: the database lets it be read without a person, and nothing else
ANYONE = (
    "create policy announced_to_all on publication_version for select using (state <> 'draft');"
    "create function publication_announced() returns trigger language plpgsql as $$ begin "
    "if old.state <> 'draft' and (new.body, new.sha256, new.number, new.document, new.agency_id, new.effective_on, "
    "new.announced_on, new.announced_by, new.reason) is distinct from (old.body, old.sha256, old.number, "
    "old.document, old.agency_id, old.effective_on, old.announced_on, old.announced_by, old.reason) "
    "then raise exception 'an announced version never changes'; end if; "
    "if old.state = 'withdrawn' or (old.state = 'announced' and new.state = 'draft') "
    "then raise exception 'a version goes forward only'; end if; return new; end $$;"
    "create trigger publication_announced before update on publication_version "
    "for each row execute function publication_announced();"
)
NOBODY = (
    "drop policy announced_to_all on publication_version;"
    "drop trigger publication_announced on publication_version; drop function publication_announced();"
)


class Migration(migrations.Migration):
    """Schema step."""

    dependencies = [("publication", "0001_initial")]
    operations = [
        *(migrations.RunSQL(policies(table), drop(table)) for table in TABLES),
        migrations.RunSQL(ANYONE, NOBODY),
        migrations.RunSQL(
            f"revoke delete, truncate on {', '.join(TABLES)} from gwanje_app;"
            "revoke update on publication_department, publication_text from gwanje_app;",
            migrations.RunSQL.noop,
        ),
    ]
