"""The Cosmos DB NoSQL REST protocol over SQLite: unmodified Azure SDKs connect to it.

A request comes in through `server` and `gateway`, is taken apart by `addressing`, checked by `auth`, and answered by a
function of one of the `*_routes` modules. These read through `scan`, `changefeed` and `queries`, and write through
`documents`, `patch` and `batch` as jobs of the one `writer`. `partitioning` decides where a document belongs,
`indexing` and `charges` what a request may do and costs, `catalog` which containers there are. For tests, `faults` make
requests fail or split the range that they go to, and the clock can be moved forward.

It has no stored procedures, triggers, user-defined functions, users, permissions or computed properties; no
all-versions change feed, second region, or splits and throttling of its own accord; and no tokens but those of the
master key.
"""
