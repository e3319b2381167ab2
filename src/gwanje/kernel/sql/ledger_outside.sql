-- What binds footage to the ledger and the ledger to outsiders (녹화기 분 봉인, 외부 증인, 시점확인).
create table footage_minute (                 -- a recorder's minute: its root stands in the ledger row of the same id
  row uuid primary key references ledger_leaf (row),
  writer bytea not null check (length(writer) = 16),     -- key id of the recorder
  minute_s bigint not null check (minute_s >= 0 and minute_s % 60 = 0),
  leaves bytea not null check (length(leaves) between 32 and 262144 and length(leaves) % 32 = 0)
);
-- hashes do not shrink: no time is spent on trying
alter table footage_minute alter column leaves set storage external;
create index footage_minute_of on footage_minute (minute_s, writer);
create table ledger_cosignature (             -- what witnesses said of a checkpoint; may be asked for again
  size bigint not null references ledger_checkpoint (size),
  name text not null check (length(name) between 1 and 200),
  line text not null check (length(line) <= 4096),       -- signature line of C2SP tlog-cosignature
  signed_at timestamptz not null,
  primary key (size, name)
);
create index ledger_cosignature_newest on ledger_cosignature (name, size);
create table ledger_timestamp (               -- RFC 3161 tokens over a checkpoint's note
  size bigint primary key references ledger_checkpoint (size),
  token bytea not null check (length(token) <= 65536),
  signed_at timestamptz not null
);
grant select, insert, delete on footage_minute, ledger_cosignature to gwanje_app;
grant select, insert on ledger_timestamp to gwanje_app;
grant select on footage_minute, ledger_cosignature, ledger_timestamp to gwanje_auditor;
