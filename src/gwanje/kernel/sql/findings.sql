-- Findings of the automatic inspection (자동 점검 결과): written by recorders through their spool, like gap rows.
create table footage_finding (
  id uuid primary key,
  camera uuid not null,
  agency uuid not null,                       -- row-level security
  kind text not null,                         -- no signal, frozen, black, white, blurred, covered, moved, clock, standard
  started_us bigint not null,
  ended_us bigint,                            -- null while it lasts: the journal says 자동 복구 when it ends
  detail jsonb not null default '{}',         -- measured figures, never a picture
  segment_id bytea,                           -- derived segment with the sealed thumbnail
  written_at timestamptz not null default now()
);
create index footage_finding_camera on footage_finding (camera, started_us);
create index footage_finding_open on footage_finding (started_us) where ended_us is null;
