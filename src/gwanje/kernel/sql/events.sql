-- Events (사건): rows are the truth, NOTIFY is only the bell; a listener replays by seq.
create table event (
  id uuid primary key,
  seq bigint not null unique,                 -- in commit order: taken under a lock that lasts until commit
  kind text not null,
  source text not null,
  at timestamptz not null,
  lon double precision check (lon between -180 and 180),
  lat double precision check (lat between -90 and 90),
  severity smallint not null check (severity between 0 and 4),
  cameras uuid[] not null,
  agency uuid,                                -- null: every agency of the centre may see it
  situation uuid,
  body jsonb not null,
  acknowledged_by uuid,
  acknowledged_at timestamptz,
  check ((acknowledged_by is null) = (acknowledged_at is null))
);
create sequence event_seq;
create index event_open on event (severity, seq) where acknowledged_at is null;
alter table event enable row level security;
create policy event_insert on event for insert to gwanje_app with check (true);
create policy event_read on event for select to gwanje_app using (
  agency is null or current_setting('gwanje.scope', true) = 'system'
  or agency = any (string_to_array(nullif(translate(current_setting('gwanje.agencies', true), '{} "', ''), ''), ',')::uuid[])
);
create policy event_acknowledge on event for update to gwanje_app using (
  agency is null or current_setting('gwanje.scope', true) = 'system'
  or agency = any (string_to_array(nullif(translate(current_setting('gwanje.agencies', true), '{} "', ''), ''), ',')::uuid[])
);
create policy event_audit on event for select to gwanje_auditor using (true);
grant select, insert on event to gwanje_app;
grant update (acknowledged_by, acknowledged_at) on event to gwanje_app;
grant usage on sequence event_seq to gwanje_app;
grant select on event to gwanje_auditor;
