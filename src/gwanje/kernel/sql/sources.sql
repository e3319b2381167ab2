-- What the recorders record (녹화 대상): written by the camera registry, read by the recorders.
create table footage_source (
  camera uuid primary key,
  agency uuid not null,
  slot integer not null unique check (slot between 0 and 1048575),
  class integer not null references footage_class (number),
  label text not null,                        -- for log lines: the management number, never an address with a password
  main_url text not null,                     -- rtsp://host:port/path without user or password
  sub_url text not null default '',
  sealed jsonb not null default '{}',         -- recorder id -> base64 of the credentials sealed to its X25519 key
  active boolean not null,
  version bigint not null default 1,          -- grows with every change; recorders poll it
  recorder uuid references footage_recorder (id),
  fence bigint not null default 1             -- grows when the lease moves
);
