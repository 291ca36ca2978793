"""What users of the Python clients do. Knows nothing of what stands between it and the providers.

usage: clients.py PROMPTS LIBRARY   (PROMPTS: JSON; LIBRARY: openai, anthropic or mem0)

Each case asks for a model of its own name, so that books can be compared case by case. Prints one JSON object: what each case saw.
"""

import asyncio
import inspect
import json
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

PROMPTS = json.loads(sys.argv[1])
WHOLE = PROMPTS["whole"]


def user(text):
    return [{"role": "user", "content": text}]


def openai_cases():
    import openai
    from pydantic import BaseModel

    client = openai.OpenAI(max_retries=0)
    retrying = openai.OpenAI(max_retries=2)
    default = openai.OpenAI()
    aclient = openai.AsyncOpenAI(max_retries=0)
    aretrying = openai.AsyncOpenAI(max_retries=2)
    weather = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}

    class Place(BaseModel):
        city: str
        warm: bool

    def text_of(chunks):
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

    def ask(model, prompt=WHOLE, by=client):
        answer = by.chat.completions.create(model=model, messages=user(prompt))
        return {"text": answer.choices[0].message.content, "total": answer.usage.total_tokens}

    async def aask(model, prompt=WHOLE, by=aclient):
        answer = await by.chat.completions.create(model=model, messages=user(prompt))
        return {"text": answer.choices[0].message.content, "total": answer.usage.total_tokens}

    def stream(model, prompt=WHOLE, by=client):
        return by.chat.completions.create(model=model, messages=user(prompt), stream=True)

    def py_chat():
        return ask("py-chat")

    async def py_chat_async():
        return await aask("py-chat-async")

    def py_stream():
        chunks = list(stream("py-stream"))
        # Nobody asked for a chunk of usage, so nobody sees one.
        return {"text": text_of(chunks), "usages": sum(1 for chunk in chunks if chunk.usage or not chunk.choices)}

    def py_stream_with_usage():
        chunks = list(client.chat.completions.create(model="py-stream-with-usage", messages=user(WHOLE), stream=True, stream_options={"include_usage": True}))
        return {"text": text_of(chunks), "total": chunks[-1].usage.total_tokens}

    async def py_stream_async():
        chunks = [chunk async for chunk in await aclient.chat.completions.create(model="py-stream-async", messages=user(WHOLE), stream=True)]
        return {"text": text_of(chunks)}

    def py_stream_helper():
        with client.chat.completions.stream(model="py-stream-helper", messages=user(WHOLE)) as events:
            for _ in events:
                pass
            return {"text": events.get_final_completion().choices[0].message.content}

    async def py_stream_helper_async():
        async with aclient.chat.completions.stream(model="py-stream-helper-async", messages=user(WHOLE)) as events:
            return {"text": (await events.get_final_completion()).choices[0].message.content}

    def py_raw():
        raw = client.chat.completions.with_raw_response.create(model="py-raw", messages=user(WHOLE))
        return {"text": raw.parse().choices[0].message.content, "type": raw.headers["content-type"]}

    def py_streaming_response():
        with client.chat.completions.with_streaming_response.create(model="py-streaming-response", messages=user(WHOLE)) as response:
            return {"text": json.loads(b"".join(response.iter_bytes()))["choices"][0]["message"]["content"]}

    def py_parse():
        answer = client.chat.completions.parse(model="py-parse", messages=user(PROMPTS["json"]), response_format=Place)
        return {"text": answer.choices[0].message.parsed.city}

    def py_tool():
        messages = user(PROMPTS["tool"])
        first = client.chat.completions.create(model="py-tool", messages=messages, tools=[weather]).choices[0].message
        messages += [first.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "sunny"}]
        return {"text": client.chat.completions.create(model="py-tool", messages=messages, tools=[weather]).choices[0].message.content}

    def py_responses():
        answer = client.responses.create(model="py-responses", input=WHOLE)
        return {"text": answer.output_text, "total": answer.usage.total_tokens}

    async def py_responses_async():
        return {"text": (await aclient.responses.create(model="py-responses-async", input=WHOLE)).output_text}

    def py_responses_stream():
        last = list(client.responses.create(model="py-responses-stream", input=WHOLE, stream=True))[-1]
        return {"text": last.response.output_text, "total": last.response.usage.total_tokens}

    def py_responses_helper():
        with client.responses.stream(model="py-responses-helper", input=WHOLE) as events:
            return {"text": events.get_final_response().output_text}

    def py_embeddings():
        return {"vectors": len(client.embeddings.create(model="py-embeddings", input=["one", "two"]).data)}

    async def py_embeddings_async():
        return {"vectors": len((await aclient.embeddings.create(model="py-embeddings-async", input="one", encoding_format="float")).data)}

    async def py_gather():
        answers = await asyncio.gather(*(aask("py-gather", WHOLE + "!" * i) for i in range(25)))
        return {"total": sum(answer["total"] for answer in answers)}

    def py_threads():
        with ThreadPoolExecutor(10) as pool:
            return {"total": sum(answer["total"] for answer in pool.map(lambda i: ask("py-threads", WHOLE + "?" * i), range(25)))}

    def py_retried():
        return ask("py-retried", PROMPTS["refusedTwice"], retrying)

    async def py_retried_async():
        return await aask("py-retried-async", PROMPTS["refusedTwice"], aretrying)

    def py_stream_retried():
        return {"text": text_of(stream("py-stream-retried", PROMPTS["refusedTwice"], default))}

    def py_failing():
        return ask("py-failing", PROMPTS["broken"], retrying)

    def py_filtered():
        return ask("py-filtered", PROMPTS["filtered"], retrying)

    def py_rubbish():
        return ask("py-rubbish", PROMPTS["rubbish"])

    def py_hung_up():
        return ask("py-hung-up", PROMPTS["hangUp"], retrying)

    def py_cut():
        return {"text": text_of(stream("py-cut", PROMPTS["cut"]))}

    def py_left():
        with stream("py-left", PROMPTS["slow"]) as chunks:
            for count, _ in enumerate(chunks):
                if count == 2:
                    break
        return {"left": True}

    async def py_cancelled():
        seen = asyncio.Event()

        async def read():
            async for _ in await aclient.chat.completions.create(model="py-cancelled", messages=user(PROMPTS["slow"]), stream=True):
                seen.set()

        task = asyncio.create_task(read())
        await seen.wait()
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            return {"left": True}

    return locals()


def anthropic_cases():
    import anthropic

    client = anthropic.Anthropic(max_retries=0)
    retrying = anthropic.Anthropic(max_retries=2)
    aclient = anthropic.AsyncAnthropic(max_retries=0)

    def asked(model, prompt=WHOLE):
        return {"model": model, "max_tokens": 100, "messages": user(prompt)}

    def seen(message):
        return {"text": message.content[0].text, "total": message.usage.input_tokens + message.usage.output_tokens}

    def py_messages():
        return seen(client.messages.create(**asked("py-messages")))

    async def py_messages_async():
        return seen(await aclient.messages.create(**asked("py-messages-async")))

    def py_messages_stream():
        events = list(client.messages.create(**asked("py-messages-stream"), stream=True))
        return {"text": "".join(event.delta.text for event in events if event.type == "content_block_delta")}

    def py_messages_helper():
        with client.messages.stream(**asked("py-messages-helper")) as events:
            return {"text": "".join(events.text_stream)}

    async def py_messages_helper_async():
        async with aclient.messages.stream(**asked("py-messages-helper-async")) as events:
            return seen(await events.get_final_message())

    def py_messages_raw():
        return seen(client.messages.with_raw_response.create(**asked("py-messages-raw")).parse())

    async def py_messages_gather():
        answers = await asyncio.gather(*(aclient.messages.create(**asked("py-messages-gather", WHOLE + "!" * i)) for i in range(25)))
        return {"total": sum(seen(answer)["total"] for answer in answers)}

    def py_messages_retried():
        return seen(retrying.messages.create(**asked("py-messages-retried", PROMPTS["refusedTwice"])))

    def py_messages_failing():
        return seen(retrying.messages.create(**asked("py-messages-failing", PROMPTS["broken"])))

    def py_messages_hung_up():
        return seen(retrying.messages.create(**asked("py-messages-hung-up", PROMPTS["hangUp"])))

    def py_messages_cut():
        return {"events": len(list(client.messages.create(**asked("py-messages-cut", PROMPTS["cut"]), stream=True)))}

    def py_messages_left():
        with client.messages.stream(**asked("py-messages-left", PROMPTS["slow"])) as events:
            for _ in events.text_stream:
                break
        return {"left": True}

    return locals()


def mem0_cases():
    from mem0 import AsyncMemory, Memory

    def settings(name):
        return {
            "llm": {"provider": "openai", "config": {"model": name}},
            "embedder": {"provider": "openai", "config": {"model": f"{name}-embeddings", "embedding_dims": 8}},
            "vector_store": {"provider": "qdrant", "config": {"collection_name": name, "embedding_model_dims": 8, "path": tempfile.mkdtemp()}},
            "history_db_path": ":memory:",
        }

    talk = [{"role": "user", "content": "I like tea."}, {"role": "assistant", "content": "Noted."}]

    def mem0_add():
        memory = Memory.from_config(settings("mem0-add"))
        return {"memories": [each["memory"] for each in memory.add(talk, user_id="somebody")["results"]]}

    def mem0_search():
        memory = Memory.from_config(settings("mem0-search"))
        memory.add("The sky is blue.", user_id="somebody", infer=False)
        return {"memories": [each["memory"] for each in memory.search("What colour is the sky?", filters={"user_id": "somebody"})["results"]]}

    async def mem0_async():
        memory = AsyncMemory.from_config(settings("mem0-async"))
        if inspect.isawaitable(memory):
            memory = await memory
        return {"memories": [each["memory"] for each in (await memory.add(talk, user_id="somebody"))["results"]]}

    return locals()


async def main():
    cases = {"openai": openai_cases, "anthropic": anthropic_cases, "mem0": mem0_cases}[sys.argv[2]]()
    saw = {}
    for name, case in cases.items():
        if not name.startswith(("py_", "mem0_")):
            continue
        try:
            seen = case()
            saw[name.replace("_", "-")] = await seen if inspect.isawaitable(seen) else seen
        except Exception as error:
            saw[name.replace("_", "-")] = {"error": type(error).__name__, "status": getattr(error, "status_code", None)}
    print(json.dumps(saw))


asyncio.run(main())
