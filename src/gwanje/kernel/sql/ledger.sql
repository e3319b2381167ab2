-- Ledger (관리대장·접속기록): leaves for ever, openings until their own date of death.
-- Nothing here can be changed or taken away, not even by the owner's role, while the triggers stand;
-- that they stood is what vaultd's signed checkpoints prove.
create table ledger_leaf (
  row uuid primary key,
  leaf bytea not null check (length(leaf) = 57 and substr(leaf, 1, 1) = '\x01'),
  arrival bigserial,
  idx bigint unique check (idx >= 0)          -- given once by the sequencer, after commit
);
create index ledger_leaf_pending on ledger_leaf (arrival) where idx is null;
create table ledger_opening (
  row uuid primary key references ledger_leaf (row),
  salt bytea not null check (length(salt) = 32),
  body bytea not null check (length(body) <= 16384),   -- canonical opening, the only thing that is proved
  at timestamptz not null,                    -- what follows repeats the body, for queries
  kind text not null,
  outcome text not null check (outcome in ('granted', 'refused', 'done')),
  norms text[] not null,
  agency uuid,
  person uuid,
  cameras uuid[] not null,
  dies text not null,
  dies_at timestamptz not null
);
create index ledger_opening_at on ledger_opening (at);
create index ledger_opening_kind on ledger_opening (kind, at);
create index ledger_opening_dies on ledger_opening (dies_at);
create index ledger_opening_person on ledger_opening (person, at) where person is not null;
create table ledger_node (
  level smallint not null check (level between 0 and 62),
  idx bigint not null check (idx >= 0),       -- a complete subtree: leaves [idx << level, (idx + 1) << level)
  hash bytea not null check (length(hash) = 32),
  primary key (level, idx)
);
create table ledger_checkpoint (
  size bigint primary key check (size >= 0),
  root bytea not null check (length(root) = 32),
  note text not null,                         -- C2SP signed note of vaultd
  written_at timestamptz not null default now()
);
create table ledger_asked (size bigint primary key);   -- sizes sent to vaultd whose note has not come back yet
create table ledger_tally (                   -- how often a norm decided: no persons, no cameras; never dies
  norm text not null,
  outcome text not null,
  n bigint not null,
  primary key (norm, outcome)
);
create table ledger_refusal (                 -- refusals of people who have not signed in, per minute and source
  minute bigint not null,                     -- Unix seconds div 60
  kind text not null,
  source text not null,
  n bigint not null,
  primary key (minute, kind, source)
);
create table ledger_setting (name text primary key, value text not null);

create function ledger_refuse() returns trigger language plpgsql as $$
begin
  raise exception '% on % is refused: the ledger is append-only (관리대장은 고치거나 지울 수 없습니다)', tg_op, tg_table_name
    using errcode = 'insufficient_privilege';
end $$;
create function ledger_index_once() returns trigger language plpgsql as $$
begin
  if old.idx is null and new.idx is not null and new.row = old.row and new.leaf = old.leaf
     and new.arrival = old.arrival then
    return new;
  end if;
  raise exception 'UPDATE on ledger_leaf is refused: a leaf gets its index once (관리대장은 고칠 수 없습니다)'
    using errcode = 'insufficient_privilege';
end $$;
create function ledger_opening_dies_on_time() returns trigger language plpgsql as $$
declare
  asked timestamptz := nullif(current_setting('gwanje.erase_as_of', true), '')::timestamptz;
  as_of timestamptz := now();
begin
  if asked < as_of or exists (select from ledger_setting where name = 'clock' and value = 'settable') then
    as_of := coalesce(asked, as_of);
  end if;
  if old.dies_at <= as_of then
    return old;
  end if;
  raise exception 'DELETE on ledger_opening is refused before % (보존기간이 끝나지 않았습니다)', old.dies_at
    using errcode = 'insufficient_privilege';
end $$;
create trigger ledger_leaf_update before update on ledger_leaf for each row execute function ledger_index_once();
create trigger ledger_leaf_delete before delete on ledger_leaf for each statement execute function ledger_refuse();
create trigger ledger_leaf_truncate before truncate on ledger_leaf for each statement execute function ledger_refuse();
create trigger ledger_opening_update before update on ledger_opening
  for each statement execute function ledger_refuse();
create trigger ledger_opening_delete before delete on ledger_opening
  for each row execute function ledger_opening_dies_on_time();
create trigger ledger_opening_truncate before truncate on ledger_opening
  for each statement execute function ledger_refuse();
create trigger ledger_node_change before update or delete or truncate on ledger_node
  for each statement execute function ledger_refuse();
create trigger ledger_checkpoint_change before update or delete or truncate on ledger_checkpoint
  for each statement execute function ledger_refuse();

-- Erases openings whose date has come; an as_of in the future is believed only in a folder with a settable clock.
create function ledger_erase(as_of timestamptz, at_most integer) returns bigint
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  gone bigint;
begin
  if as_of > now() and not exists (select from ledger_setting where name = 'clock' and value = 'settable') then
    as_of := now();
  end if;
  perform set_config('gwanje.erase_as_of', as_of::text, true);
  delete from ledger_opening where row in
    (select row from ledger_opening where dies_at <= as_of order by dies_at limit at_most);
  get diagnostics gone = row_count;
  perform set_config('gwanje.erase_as_of', '', true);
  return gone;
end $$;
revoke all on function ledger_erase(timestamptz, integer) from public;

alter table ledger_opening enable row level security;
create policy ledger_opening_insert on ledger_opening for insert to gwanje_app with check (true);
create policy ledger_opening_read on ledger_opening for select to gwanje_app using (
  current_setting('gwanje.scope', true) = 'system'
  or agency = any (string_to_array(nullif(translate(current_setting('gwanje.agencies', true), '{} "', ''), ''), ',')::uuid[])
);
create policy ledger_opening_audit on ledger_opening for select to gwanje_auditor using (true);

grant select, insert on ledger_leaf, ledger_opening, ledger_node, ledger_checkpoint to gwanje_app;
grant update (idx) on ledger_leaf to gwanje_app;
grant usage on sequence ledger_leaf_arrival_seq to gwanje_app;
grant select, insert, update on ledger_tally to gwanje_app;
grant select, insert, update, delete on ledger_refusal, ledger_asked to gwanje_app;
grant select on ledger_setting to gwanje_app;
grant execute on function ledger_erase(timestamptz, integer) to gwanje_app;
grant select on ledger_leaf, ledger_opening, ledger_node, ledger_checkpoint, ledger_tally, ledger_setting
  to gwanje_auditor;
