-- Findings of the automatic inspection (자동 점검 결과): written by recorders through their spool, like gap rows.
create table footage_finding (
  id uuid primary key,
  camera uuid not null,
  agency uuid not null,                       -- row-level security
  kind text not null check (kind in
    ('frozen', 'black', 'white', 'blurred', 'covered', 'moved', 'clock', 'standard')),  -- no signal is a gap row
  started_us bigint not null,
  ended_us bigint,                            -- null while it lasts: the journal says 자동 복구 when it ends
  detail jsonb not null default '{}',         -- measured figures, never a picture
  segment_id bytea,                           -- derived segment with the sealed thumbnail
  picture_us bigint,                          -- the picture's own moment: the thumbnail dies with it
  journal boolean not null default false,     -- the journal has read this state; every write unsets it
  written_at timestamptz not null default now(),
  check (ended_us is null or ended_us >= started_us)
);
create index footage_finding_camera on footage_finding (camera, started_us);
create index footage_finding_open on footage_finding (started_us) where ended_us is null;
create index footage_finding_unread on footage_finding (written_at) where not journal;
create index footage_gap_ended on footage_gap (started_us) where ended_us is null;
