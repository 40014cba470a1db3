-- How often each category is asked about, how it is rated, and how fast it is answered (milliseconds).
-- Container user_interactions; parameter since (UTC, ISO 8601). Reads every turn since then: not for a request's way.
-- A turn without a rating has null, and the mean of anything with null is undefined: so null is left out.
-- Cosmos DB does not sort groups: the rows come in no order.
SELECT
    c.query_category,
    COUNT(1) AS frequency,
    AVG(IS_NUMBER(c.user_rating) ? c.user_rating : undefined) AS avg_rating,
    AVG(c.response_time_ms) AS avg_response_time
FROM c
WHERE c.kind = "interaction" AND c.timestamp >= @since
GROUP BY c.query_category
