-- Index of sealed footage (영상정보 색인), kept apart from the media. Rows come from the recorders' spools.
create table footage_class (
  number integer primary key,                 -- the class u32 of a segment header; one retention value for ever
  kind text not null check (kind in ('days', 'months', 'none', 'permanent')),
  value integer not null,
  reference text not null,                    -- the legal reference of the value
  label text not null
);
create table footage_segment (
  segment_id bytea primary key check (length(segment_id) = 32),   -- SHA-256 of the 128-byte header
  camera uuid not null,
  agency uuid not null,                       -- owner agency of the camera when it was recorded (row-level security)
  slot integer not null,
  stream integer not null,
  class integer not null,
  epoch bigint not null,                      -- Unix seconds div 3600
  first_tick integer not null,                -- second of the hour, inclusive
  last_tick integer not null,                 -- inclusive; grows while the segment is open
  parts integer not null,
  bytes bigint not null,
  idr_ticks bytea not null,                   -- bit i (byte i/8, bit i%8) = some part of tick first_tick+i begins with an IDR, maybe in mid-second
  codec text not null,                        -- RFC 6381, for example avc1.64001f
  width integer not null,
  height integer not null,
  root bytea,                                 -- Merkle root of the trailer, null while open or after a crash
  path text not null,                         -- relative to the store
  fence bigint not null,
  writer bytea not null,                      -- key id of the recorder
  closed boolean not null,
  destroyed_at timestamptz,                   -- the key died; the row dies with the last hold
  written_at timestamptz not null default now()
);
create index footage_segment_camera on footage_segment (camera, stream, epoch, first_tick);
create index footage_segment_epoch on footage_segment (class, epoch) where destroyed_at is null;
create table footage_gap (
  id uuid primary key,
  camera uuid not null,
  agency uuid not null,
  stream integer not null,
  reason text not null check (reason in
    ('network', 'camera', 'disk', 'overload', 'clock', 'no key', 'not due', 'restart')),
  started_us bigint not null,
  ended_us bigint,                            -- null while it lasts
  detail text not null default '',
  written_at timestamptz not null default now()
);
create index footage_gap_camera on footage_gap (camera, started_us);
create table footage_recorder (
  id uuid primary key,
  name text not null unique,
  signing_key bytea not null,                 -- Ed25519 public key, 32 bytes
  sealing_key bytea not null,                 -- X25519 public key, 32 bytes: camera passwords are sealed to it
  url text not null,                          -- live WebSocket, as a browser reaches it
  seen_at timestamptz
);
