// The official Node client of OpenAI against the gateway, unchanged but for its base URL.
// Called by a test of the program: node openai_client.mjs BASE_URL KEY
import assert from "node:assert/strict";
import OpenAI from "openai";
import { VERSION } from "openai/version";

const [baseURL, apiKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
const messages = (content) => [{ role: "user", content }];

const answer = await client.chat.completions.create({ model: "acme/large", messages: messages("hello") });
assert.equal(answer.choices[0].message.content, "Good day.");
assert.equal(answer.usage.prompt_tokens_details.cached_tokens, 4);

const { response } = await client.chat.completions.create({ model: "role:draft", messages: messages("hello") }).withResponse();
assert.equal(response.headers.get("x-cofounder-model"), "acme/large");

let said = "";
let usage;
const pieces = await client.chat.completions.create({
  model: "acme/large",
  messages: messages("stream"),
  stream: true,
  stream_options: { include_usage: true },
});
for await (const piece of pieces) {
  said += piece.choices[0]?.delta?.content ?? "";
  usage = piece.usage ?? usage;
}
assert.equal(said, "Good day.");
assert.equal(usage.completion_tokens, 5);

const tools = [{ type: "function", function: { name: "weather", parameters: { type: "object", properties: {} } } }];
const called = await client.chat.completions.create({ model: "acme/large", messages: messages("tool"), tools });
assert.equal(called.choices[0].message.tool_calls[0].function.name, "weather");

const vectors = await client.embeddings.create({ model: "acme/vectors", input: ["a", "b"] });
assert.equal(vectors.data.length, 2);
assert.equal(typeof vectors.data[0].embedding[0], "number");

const ids = [];
for await (const model of client.models.list()) ids.push(model.id);
assert.ok(ids.includes("acme/large"));

await assert.rejects(new OpenAI({ baseURL, apiKey: "wrong", maxRetries: 0 }).models.list(), OpenAI.AuthenticationError);
await assert.rejects(client.chat.completions.create({ model: "acme/lrage", messages: messages("x") }), OpenAI.NotFoundError);
await assert.rejects(client.chat.completions.create({ model: "b/limited", messages: messages("limit") }), OpenAI.RateLimitError);
await assert.rejects(async () => {
  const broken = await client.chat.completions.create({ model: "acme/large", messages: messages("break"), stream: true });
  for await (const _ of broken);
}, OpenAI.APIError);

const many = await Promise.all(
  Array.from({ length: 20 }, () => client.chat.completions.create({ model: "acme/large", messages: messages("hello") })),
);
assert.ok(many.every((one) => one.choices[0].message.content === "Good day."));
console.log("node", VERSION, "ok");
