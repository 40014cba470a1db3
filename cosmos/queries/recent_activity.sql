-- A user's recent turns, newest first. Container user_interactions; parameters user_id, since (UTC, ISO 8601).
-- The partition key is the user: with it in the condition, one logical partition is read.
SELECT * FROM c
WHERE c.partition_key = @user_id
  AND c.kind = "interaction"
  AND c.timestamp >= @since
ORDER BY c.timestamp DESC
