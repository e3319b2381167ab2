"""Row-level security per agency; no duty is deleted, and what is closed never changes again."""

from django.db import migrations

from gwanje.kernel.rls import drop, policies

TABLE = "duties_duty"
FROZEN = """
create function duties_duty_closed() returns trigger language plpgsql as $$
begin
  if old.state <> 'open' then
    raise exception 'a closed duty never changes (끝난 기한은 고치지 않습니다)' using errcode = 'check_violation';
  end if;
  return new;
end $$;
create trigger duties_duty_closed before update on duties_duty for each row execute function duties_duty_closed();
"""
THAWED = "drop trigger duties_duty_closed on duties_duty; drop function duties_duty_closed();"


class Migration(migrations.Migration):
    """Schema step."""

    dependencies = [("duties", "0001_initial")]
    operations = [
        migrations.RunSQL(policies(TABLE), drop(TABLE)),
        migrations.RunSQL(f"revoke delete, truncate on {TABLE} from gwanje_app;", migrations.RunSQL.noop),
        migrations.RunSQL(FROZEN, THAWED),
    ]
