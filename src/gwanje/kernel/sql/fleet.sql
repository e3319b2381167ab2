-- Leases of the recorder fleet (녹화기 임대): who records which camera, until when, under which fencing number.
create table footage_lease (
  camera uuid primary key references footage_source (camera) on delete cascade,
  recorder uuid not null references footage_recorder (id),
  fence bigint not null,                      -- grows with every move; index rows under an older one are refused
  taken_at timestamptz not null default now()
);
create index footage_lease_recorder on footage_lease (recorder);
alter table footage_recorder add column alive_until timestamptz;   -- one heartbeat row a node renews all its leases
