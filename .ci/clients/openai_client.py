"""The official Python client of OpenAI against the gateway, unchanged but for its base URL.

Called by a test of the program: openai_client.py BASE_URL KEY
"""

import asyncio
import sys

import openai

base_url, key = sys.argv[1:]
client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)


def messages(text):
    return [{"role": "user", "content": text}]


def raises(kind, call):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} was raised")


answer = client.chat.completions.create(model="acme/large", messages=messages("hello"))
assert answer.choices[0].message.content == "Good day.", answer
assert (answer.usage.prompt_tokens, answer.usage.prompt_tokens_details.cached_tokens) == (10, 4), answer.usage

raw = client.chat.completions.with_raw_response.create(model="role:draft", messages=messages("hello"))
assert raw.headers["x-cofounder-model"] == "acme/large", raw.headers
assert raw.parse().choices[0].message.content == "Good day."

pieces = client.chat.completions.create(
    model="acme/large", messages=messages("stream"), stream=True, stream_options={"include_usage": True}
)
said, usage = "", None
for piece in pieces:
    said += piece.choices[0].delta.content or "" if piece.choices else ""
    usage = piece.usage or usage
assert said == "Good day." and usage.completion_tokens == 5, (said, usage)

tool = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}
called = client.chat.completions.create(model="acme/large", messages=messages("tool"), tools=[tool])
assert called.choices[0].message.tool_calls[0].function.name == "weather", called

vectors = client.embeddings.create(model="acme/vectors", input=["a", "b"])
assert len(vectors.data) == 2 and isinstance(vectors.data[0].embedding[0], float), vectors

assert "acme/large" in [model.id for model in client.models.list()]
assert client.models.retrieve("acme/large").owned_by == "acme"

raises(openai.AuthenticationError, lambda: client.with_options(api_key="wrong").models.list())
error = raises(openai.NotFoundError, lambda: client.chat.completions.create(model="acme/lrage", messages=messages("x")))
assert error.code == "model_not_found" and "acme/large" in error.message, error
raises(openai.BadRequestError, lambda: client.chat.completions.create(model="acme/large", messages="x" * 500_000))
limited = raises(openai.RateLimitError, lambda: client.chat.completions.create(model="b/limited", messages=messages("limit")))
assert limited.response.headers["retry-after"] == "7", limited.response.headers


def broken():
    for piece in client.chat.completions.create(model="acme/large", messages=messages("break"), stream=True):
        pass


raises(openai.APIError, broken)


async def together():
    calls = openai.AsyncOpenAI(base_url=base_url, api_key=key, max_retries=0)
    asked = [calls.chat.completions.create(model="acme/large", messages=messages("hello")) for _ in range(20)]
    return [answer.choices[0].message.content for answer in await asyncio.gather(*asked)]


assert asyncio.run(together()) == ["Good day."] * 20
print("python", openai.__version__, "ok")
