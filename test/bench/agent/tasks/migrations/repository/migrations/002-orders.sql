create table orders (
  id integer primary key,
  customer_id integer not null references customers (id),
  cents integer not null check (cents >= 0),
  ordered_at text not null default (datetime('now'))
);
create index orders_by_customer on orders (customer_id);
