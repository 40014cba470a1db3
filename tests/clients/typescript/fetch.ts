// One turn by a client whose types openapi-typescript makes.
import createClient from "openapi-fetch";
import type { components, paths } from "./generated/openapi.js";

const { API, TOKEN } = process.env;
const client = createClient<paths>({ baseUrl: API!, headers: { Authorization: `Bearer ${TOKEN}` } });

const session = await client.POST("/sessions", { body: { timezone: "Europe/Paris" } });
if (!session.data) throw new Error(session.error.detail);

const turn: components["schemas"]["Turn"] = {
  user_query: "What is courage?",
  response_text: "To stand fast.",
  model_used: "gpt-4o-mini",
  input_tokens: 12,
  output_tokens: 4,
};
const recorded = await client.POST("/sessions/{session_id}/interactions", {
  params: { path: { session_id: session.data.session_id } },
  body: turn,
});
if (!recorded.data) throw new Error(recorded.error.detail);

const refused = await client.GET("/interactions/{interaction_id}", { params: { path: { interaction_id: "none" } } });
if (refused.error?.type !== "urn:vimarsh:problem:not-found") throw new Error("a turn that is none was found");

const tokens: number = recorded.data.total_tokens;
const rating: number | null | undefined = recorded.data.user_rating;
console.log(JSON.stringify({ id: recorded.data.id, timezone: session.data.timezone, tokens, rating }));
