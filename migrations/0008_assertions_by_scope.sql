-- The index by scope is for stepping from key to key within a scope, and for nothing else. To the planner it looked as
-- good as the narrower ones by key and scope, because nearly every key and scope has one assertion: it read all 50,000 of a
-- scope that was changed so often, where one was asked for. In code-point order only a question that names this order can
-- take it, so the comparison stands as `scope collate "C"` in src/queries/assertions-at.ts.

drop index assertions_by_scope;
create index assertions_by_scope on assertions (ledger, scope collate "C", key);
