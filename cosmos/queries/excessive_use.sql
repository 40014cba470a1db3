-- Users with more than @threshold turns in a day that lasts at @now. Container user_analytics; @now in UTC, ISO 8601.
-- Cosmos DB joins no containers and has no HAVING. The turns of each user's own day are counted already, in its rollup.
-- Such a day began at most 25 hours ago: the index finds it by that. Whose it is: the user_id is the id in users.
SELECT c.user_id, c.period_key AS day, c.total_interactions AS daily_queries, c.total_cost_usd AS cost_usd
FROM c
WHERE c.kind = "rollup"
  AND c.analytics_period = "daily"
  AND c.period_start > DateTimeAdd("hour", -25, @now)
  AND c.period_start <= @now
  AND c.period_end > @now
  AND c.total_interactions > @threshold
