// One turn by a client that @hey-api/openapi-ts makes: a function for each operation.
import { client } from "./generated/sdk/client.gen.js";
import { admit, getMe, recordInteraction, startSession } from "./generated/sdk/sdk.gen.js";
import type { Admission, OwnUserProfile, UserInteraction } from "./generated/sdk/types.gen.js";

const { API, TOKEN } = process.env;
client.setConfig({ baseUrl: API!, auth: () => TOKEN! });

const me = await getMe({ throwOnError: true });
const profile: OwnUserProfile = me.data;
const session = await startSession({ body: {}, throwOnError: true });
const wanted = { model: "gpt-4o-mini", input_tokens: 12, max_output_tokens: 100 };
const admitted = await admit({ body: wanted, headers: { "Idempotency-Key": "once" }, throwOnError: true });
const admission: Admission = admitted.data;
const recorded = await recordInteraction({
  path: { session_id: session.data.session_id },
  body: {
    user_query: "What is courage?",
    response_text: "To stand fast.",
    model_used: "gpt-4o-mini",
    input_tokens: 12,
    output_tokens: 4,
    admission_id: admission.id,
  },
  throwOnError: true,
});
const turn: UserInteraction = recorded.data;
const refused = await admit({ body: { ...wanted, input_tokens: 400_000 }, headers: { "Idempotency-Key": "more" } });
if (!refused.error || !("measure" in refused.error)) throw new Error("more than the limit was admitted");
console.log(JSON.stringify({ id: turn.id, user: profile.id, tokens: turn.total_tokens, rating: turn.user_rating }));
