"""The Cosmos DB NoSQL REST protocol over SQLite: unmodified Azure SDKs connect to it.

A request comes in through `server` and `gateway`, is taken apart by `addressing`, checked by `auth`, and answered by a
function of one of the `*_routes` modules. These read through `scan`, `changefeed` and `queries`, and write through
`documents`, `patch` and `batch` as jobs of the one `writer`. `partitioning` decides where a document belongs,
`indexing` and `charges` what a request may do and costs, `catalog` which containers there are.

It has no stored procedures, triggers, user-defined functions, users, permissions or computed properties; no
all-versions change feed, partition splits, throttling or second region; and no tokens but those of the master key.
"""
