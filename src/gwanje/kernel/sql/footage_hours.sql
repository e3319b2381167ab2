-- Sums per class and hour (시간별 보관량): pages read 720 rows instead of 20 million. A trigger notes which hours have
-- changed; the worker sums those again, and until it has, the view counts them afresh: it is never behind.
create table footage_hour (
  class integer not null,
  epoch bigint not null,
  agency uuid not null,                       -- as in footage_segment (row-level security)
  cameras integer not null,
  segments integer not null,
  seconds bigint not null,                    -- spans of the segments, summed
  bytes bigint not null,
  primary key (class, epoch, agency)
);
-- one row per transaction and hour, never updated: writers wait for nobody, and what is not committed yet stays noted
create table footage_dirty (
  class integer not null,
  epoch bigint not null,
  xid xid8 not null default pg_current_xact_id(),
  primary key (class, epoch, xid)
);
create function footage_note() returns trigger language plpgsql as $$
begin
  insert into footage_dirty (class, epoch) select distinct class, epoch from changed on conflict do nothing;
  return null;
end $$;
create trigger footage_segment_inserted after insert on footage_segment
  referencing new table as changed for each statement execute function footage_note();
create trigger footage_segment_updated after update on footage_segment
  referencing new table as changed for each statement execute function footage_note();
create trigger footage_segment_deleted after delete on footage_segment
  referencing old table as changed for each statement execute function footage_note();
create view footage_standing with (security_invoker = true) as
  select class, epoch, agency, cameras, segments, seconds, bytes from footage_hour h
    where not exists (select from footage_dirty d where d.class = h.class and d.epoch = h.epoch)
  union all
  -- lateral: an hour's rows come by the index, whatever the planner thinks of a table that is always nearly empty
  select d.class, d.epoch, s.agency, s.cameras, s.segments, s.seconds, s.bytes
    from (select distinct class, epoch from footage_dirty) d cross join lateral (
      select agency, count(distinct camera)::integer as cameras, count(*)::integer as segments,
        sum(last_tick - first_tick + 1)::bigint as seconds, sum(bytes)::bigint as bytes
      from footage_segment f where f.class = d.class and f.epoch = d.epoch and f.destroyed_at is null group by agency
    ) s;
insert into footage_dirty (class, epoch) select distinct class, epoch from footage_segment where destroyed_at is null;
