-- Leases of the recorder fleet (녹화기 임대): who records which camera, and which rows count after a move.
-- One clock decides: this database's. Nothing here is used by a centre with a single recorder.
create table footage_lease (
  camera uuid primary key references footage_source (camera) on delete cascade,
  recorder uuid not null references footage_recorder (id),
  fence bigint not null,                      -- grows with every move
  taken_at timestamptz not null default clock_timestamp()
);
create index footage_lease_recorder on footage_lease (recorder);
create index footage_lease_taken on footage_lease (taken_at);
-- one heartbeat row a node renews all its leases
alter table footage_recorder add column alive_until timestamptz;
alter table footage_recorder add column alive_since timestamptz;     -- beginning of the unbroken row of heartbeats
-- Ed25519 signature of its own key over its id and sealing key; an admitted recorder is believed by it
alter table footage_recorder add column sealing_proof bytea;
alter table footage_recorder add column told bigint not null default 0;   -- grows when its leases change
create table footage_fleet (
  one boolean primary key default true check (one),
  planned_at timestamptz not null default '-infinity'
);
insert into footage_fleet default values;
-- Every move (임대 이력). from_s: the first Unix second that the holder stored; from there on no older fence counts.
create table footage_reign (
  camera uuid not null,
  fence bigint not null,
  recorder uuid not null,
  taken_us bigint not null,                   -- Unix µs
  from_s bigint,                              -- null until its first segment row
  primary key (camera, fence)
);
-- Stored, but not counted (무효 영상): the seconds another recorder has. The files die with their hour like all others.
create table footage_garbage (
  segment_id bytea primary key,
  camera uuid not null,
  agency uuid not null,                       -- row-level security
  class integer not null,
  epoch bigint not null,
  first_tick integer not null,                -- seconds of the hour that do not count, inclusive
  last_tick integer not null,
  path text not null,
  recorder uuid,                              -- whose disk
  fence bigint not null,
  reason text not null check (reason in ('late', 'overlap')),
  written_at timestamptz not null default now()
);
create index footage_garbage_hour on footage_garbage (class, epoch);
alter table footage_gap add column fence bigint not null default 1;
create index footage_gap_open on footage_gap (camera) where ended_us is null;

create function footage_discard(seg footage_segment, first_s bigint, why text) returns void language sql as $$
  insert into footage_garbage (segment_id, camera, agency, class, epoch, first_tick, last_tick, path, recorder, fence,
    reason)
  select seg.segment_id, seg.camera, seg.agency, seg.class, seg.epoch, (first_s - seg.epoch * 3600)::integer,
    seg.last_tick, seg.path,
    (select recorder from footage_reign where camera = seg.camera and fence = seg.fence), seg.fence, why
  on conflict (segment_id) do update set first_tick = least(footage_garbage.first_tick, excluded.first_tick),
    last_tick = greatest(footage_garbage.last_tick, excluded.last_tick)
$$;

-- The holder of a fence has stored its first second: what older fences say of that second and later is cut off.
create function footage_reign_begins(of_camera uuid, of_fence bigint, at_s bigint) returns void language plpgsql as $$
declare
  old footage_segment;
begin
  update footage_reign set from_s = at_s where camera = of_camera and fence = of_fence;
  for old in select * from footage_segment where camera = of_camera and fence < of_fence and destroyed_at is null
      and epoch >= at_s / 3600 and epoch * 3600 + last_tick >= at_s loop
    perform footage_discard(old, greatest(at_s, old.epoch * 3600 + old.first_tick), 'overlap');
    if old.epoch * 3600 + old.first_tick >= at_s then
      delete from footage_segment where segment_id = old.segment_id;
    else
      update footage_segment set last_tick = (at_s - 1 - epoch * 3600)::integer,
        idr_ticks = substr(idr_ticks, 1, ((at_s - epoch * 3600 - first_tick + 7) / 8)::integer)
        where segment_id = old.segment_id;
    end if;
  end loop;
  delete from footage_gap where camera = of_camera and fence < of_fence and started_us >= at_s * 1000000;
  update footage_gap set ended_us = at_s * 1000000
    where camera = of_camera and fence < of_fence and coalesce(ended_us, at_s * 1000000 + 1) > at_s * 1000000;
end $$;

-- A row counts only before the first second of every greater fence. The lease's row is the lock of its camera: writers
-- of rows share it, the first row of a fence has it alone, so neither can miss the other.
create function footage_segment_fence() returns trigger language plpgsql as $$
declare
  first_s bigint := new.epoch * 3600 + new.first_tick;
  last_s bigint := new.epoch * 3600 + new.last_tick;
  newest bigint;
  own bigint;
  earliest bigint;
  until_s bigint;
begin
  perform 1 from footage_lease where camera = new.camera;
  if not found then
    return new;
  end if;
  select from_s, taken_us / 1000000 - 60 into own, earliest
    from footage_reign where camera = new.camera and fence = new.fence;
  if found and (own is null or first_s < own) then
    select fence into newest from footage_lease where camera = new.camera for update;
  else
    select fence into newest from footage_lease where camera = new.camera for share;
  end if;
  -- a fence that no lease has given yet is nobody's: it must not outrank who holds the camera
  if new.fence > newest then
    perform footage_discard(new, first_s, 'overlap');
    return null;
  end if;
  -- nobody stores a second before the lease is his: a recorder whose clock is behind (by more than a minute, the step
  -- that every clock here is allowed) must not cut off what others stored
  if first_s < earliest then
    perform footage_discard(new, first_s, 'overlap');
    return null;
  end if;
  select min(from_s) into until_s from footage_reign where camera = new.camera and fence > new.fence;
  if first_s >= until_s then
    perform footage_discard(new, first_s, 'late');
    return null;
  end if;
  if last_s >= until_s then
    perform footage_discard(new, until_s, 'late');
    last_s := until_s - 1;
    new.last_tick := last_s - new.epoch * 3600;
    new.idr_ticks := substr(new.idr_ticks, 1, (new.last_tick - new.first_tick + 8) / 8);
  end if;
  select from_s into own from footage_reign where camera = new.camera and fence = new.fence;
  if found and (own is null or first_s < own) then
    perform footage_reign_begins(new.camera, new.fence, first_s);
  end if;
  if newest > new.fence then
    -- pictures that came late were called missing by whoever took the camera over
    update footage_gap set started_us = least(coalesce(ended_us, (last_s + 1) * 1000000), (last_s + 1) * 1000000)
      where camera = new.camera and fence > new.fence and reason = 'restart'
      and started_us >= first_s * 1000000 and started_us < (last_s + 1) * 1000000;
  end if;
  return new;
end $$;
create trigger footage_segment_fenced before insert or update of last_tick on footage_segment
  for each row when (pg_trigger_depth() = 0) execute function footage_segment_fence();

create function footage_gap_fence() returns trigger language plpgsql as $$
declare
  newest bigint;
  until_us bigint;
begin
  perform 1 from footage_lease where camera = new.camera;
  if not found then
    return new;
  end if;
  select fence into newest from footage_lease where camera = new.camera for share;
  if new.fence > newest then
    return null;
  end if;
  select min(from_s) * 1000000 into until_us from footage_reign where camera = new.camera and fence > new.fence;
  if new.started_us >= until_us then
    return null;
  end if;
  if until_us is not null then
    new.ended_us := least(new.ended_us, until_us);
  end if;
  return new;
end $$;
create trigger footage_gap_fenced before insert or update on footage_gap
  for each row when (pg_trigger_depth() = 0) execute function footage_gap_fence();
