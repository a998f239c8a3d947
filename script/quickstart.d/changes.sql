-- One round of every kind of change.
update every_type set an_integer = an_integer + 1, a_timestamptz = clock_timestamp() where id % 50 = 0;
update every_type set a_boolean = not coalesce(a_boolean, false) where id > 1000000;
update every_type set id = -id where id between 1 and 10 or id between -10 and -1;
delete from every_type where id % 100 = 7;
insert into every_type (id, a_text, a_mood, a_pair)
select coalesce(max(id), 0) + 1, 'inserted', 'ok', row(0, 'new')::pair from every_type;
begin;
insert into every_type (id) values (0);
update every_type set a_numeric = 'NaN', some_texts = '{rolled,back}' where id = 1000003;
rollback;
