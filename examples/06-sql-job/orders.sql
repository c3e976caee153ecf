-- Orders come from a generator; with the connector of your broker this is the table of a topic.
create table orders (
  customer string,
  amount int
) with (
  'connector' = 'datagen',
  'rows-per-second' = '5',
  'fields.customer.length' = '1',
  'fields.amount.min' = '1',
  'fields.amount.max' = '100'
);

create table totals (
  customer string,
  orders bigint,
  amount bigint
) with (
  'connector' = 'print'
);

insert into totals
select customer, count(*), sum(amount) from orders group by customer;
