"""A conversation that forks, told to the gateway over HTTP. Prints what each branch and role used, as the clients saw it."""

import asyncio
import json
import os
import urllib.request

import anthropic
import openai

ROOT = os.environ["ASSAY_SCOPE_URL"]
seen = {}


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"}, method="POST")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def enter(branch, role, tokens):
    sums = seen.setdefault(f"{branch}:{role}", {"calls": 0, "tokens": 0})
    sums["calls"] += 1
    sums["tokens"] += tokens


async def say(client, text, branch, role):
    answer = await client.chat.completions.create(model="talker", messages=[{"role": "user", "content": text}])
    enter(branch, role, answer.usage.total_tokens)


async def judge(scope, text, branch):
    judging = post(scope["url"] + "/scopes", {"role": "judge"})
    async with anthropic.AsyncAnthropic(base_url=judging["anthropic_base_url"]) as client:
        answer = await client.messages.create(model="judge", max_tokens=100, messages=[{"role": "user", "content": text}])
    enter(branch, "judge", answer.usage.input_tokens + answer.usage.output_tokens)


async def branch_off(parent, name, path, turns):
    scope = post(parent + "/scopes", {"branch": name})
    async with openai.AsyncOpenAI(base_url=scope["openai_base_url"]) as client:
        await asyncio.gather(*(say(client, f"{path} turn {turn}", path, "target") for turn in range(turns)))
        async with openai.AsyncOpenAI(base_url=scope["openai_base_url"], default_headers={"x-assay-role": "memory"}) as remembering:
            await say(remembering, f"remember {path}", path, "memory")
        await judge(scope, f"how was {path}?", path)
    return scope


async def main():
    async with openai.AsyncOpenAI() as trunk:
        await say(trunk, "before the fork", "(trunk)", "target")
        await say(trunk, "still before it", "(trunk)", "target")
        ask, candidates = await asyncio.gather(branch_off(ROOT, "ask", "ask", 5), branch_off(ROOT, "candidates", "candidates", 9))
        await branch_off(ask["url"], "again", "ask/again", 3)
        await say(trunk, "after them", "(trunk)", "target")
    post(ROOT + "/score", {"value": 0.75, "threshold": 0.5, "reason": "it kept the secret", "name": "consistency"})
    with urllib.request.urlopen(ROOT + "/usage") as answer:
        usage = json.load(answer)
    print(json.dumps({"seen": seen, "usage": usage}))


asyncio.run(main())
