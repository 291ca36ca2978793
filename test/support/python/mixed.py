"""Many calls of all kinds side by side, with the retries that the clients make by themselves. Prints what their users see of the usage."""

import asyncio
import json
import sys

import anthropic
import openai

COUNT = int(sys.argv[1])

chat = openai.AsyncOpenAI()
claude = anthropic.AsyncAnthropic()
prompt = tokens = failed = 0
room = asyncio.Semaphore(10)


async def whole(text):
    usage = (await chat.chat.completions.create(model="chat", messages=[{"role": "user", "content": text}])).usage
    return usage.prompt_tokens, usage.completion_tokens


async def streamed(text):
    async for chunk in await chat.chat.completions.create(model="chat-streamed", messages=[{"role": "user", "content": text}], stream=True, stream_options={"include_usage": True}):
        if chunk.usage:
            last = chunk.usage
    return last.prompt_tokens, last.completion_tokens


async def responses(text):
    usage = (await chat.responses.create(model="responses", input=text)).usage
    return usage.input_tokens, usage.output_tokens


async def embeddings(text):
    return (await chat.embeddings.create(model="embeddings", input=[text, text + " again"])).usage.prompt_tokens, 0


async def messages(text):
    usage = (await claude.messages.create(model="messages", max_tokens=200, messages=[{"role": "user", "content": text}])).usage
    return usage.input_tokens, usage.output_tokens


async def messages_streamed(text):
    async with claude.messages.stream(model="messages-streamed", max_tokens=200, messages=[{"role": "user", "content": text}]) as events:
        usage = (await events.get_final_message()).usage
    return usage.input_tokens, usage.output_tokens


KINDS = [whole, streamed, responses, embeddings, messages, messages_streamed]


async def one(number):
    global prompt, tokens, failed
    async with room:
        try:
            sent, got = await KINDS[number % len(KINDS)](f"Say the number {number} in words.")
            prompt, tokens = prompt + sent, tokens + got
        except (openai.APIError, anthropic.APIError):
            failed += 1


async def main():
    await asyncio.gather(*(one(number) for number in range(COUNT)))
    print(json.dumps({"prompt": prompt, "completion": tokens, "failed": failed}))


asyncio.run(main())
