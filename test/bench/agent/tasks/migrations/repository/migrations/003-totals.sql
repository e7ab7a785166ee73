create view totals as
  select customer_id, sum(cents) as cents from orders group by customer_id;
