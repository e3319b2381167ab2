-- How a source is reached and steered (장치 접속): driver, transport, network, allowed zone; never an account.
alter table footage_source add column driver text not null default 'rtsp';
alter table footage_source add column device jsonb not null default '{}';
-- Work on a device (장치 작업): asked for by the web, done by a recorder, because only recorders hold accounts.
create table device_task (
  id uuid primary key,
  agency uuid not null,                       -- row-level security
  camera uuid,                                -- null: the network itself (discovery)
  kind text not null check (kind in ('probe', 'discover', 'configure', 'masks')),
  asks jsonb not null default '{}',           -- address, profile, wishes; never an account
  sealed jsonb not null default '{}',         -- recorder id -> the camera's account for that recorder alone; gone when done
  person uuid,
  asked_at timestamptz not null,
  takes smallint not null default 0,          -- a task that three recorders took and none finished has failed
  taken_by uuid,                              -- recorder
  taken_at timestamptz,                       -- a task taken 90 s ago and not done is free again
  done_at timestamptz,
  outcome text check (outcome in ('done', 'refused', 'failed')),
  answer jsonb,                               -- no secret, no address with one
  noted boolean not null default false,       -- the registry has taken from it what it keeps
  check ((done_at is null) = (outcome is null)),
  check (done_at is null or sealed = '{}')
);
create index device_task_open on device_task (asked_at) where done_at is null;
create index device_task_unnoted on device_task (done_at) where not noted and kind = 'probe';
create index device_task_camera on device_task (camera, asked_at desc);
-- what only a recorder can open, and where devices are, is nothing for an auditor to read
revoke all on device_task from gwanje_auditor;
grant select (id, agency, camera, kind, person, asked_at, taken_by, taken_at, done_at, outcome) on device_task to gwanje_auditor;
