"""
Tables that know their version, in any database.

`database` opens an engine: commits that stay, aware times, connections that survive a fork.
`sqlite_queue` lets the threads of a process write to one SQLite file in turn. `schema` makes,
upgrades and checks the tables of a `Part`, whose versions stand in ``mailfailover_schema``.
`stored` joins these for a class with tables of its own: the outbox, tracking, suppressions,
callbacks and the replays of webhooks each are a `Stored`. `rows` writes rows that may be there
already.
"""
