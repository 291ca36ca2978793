"""Asks in every way, says what it heard, and fails the first time it is run. usage: interrupted.py MARK"""

import os
import sys

import anthropic
import openai

client = openai.OpenAI()
claude = anthropic.Anthropic()
user = [{"role": "user", "content": "Say it once."}]

print(client.chat.completions.create(model="a", messages=user).choices[0].message.content)
print("".join(chunk.choices[0].delta.content or "" for chunk in client.chat.completions.create(model="b", messages=user, stream=True) if chunk.choices))
print(client.responses.create(model="c", input="Say it once.").output_text)
print(sum(client.embeddings.create(model="d", input="Say it once.").data[0].embedding))
print(claude.messages.create(model="e", max_tokens=50, messages=user).content[0].text)
with claude.messages.stream(model="f", max_tokens=50, messages=user) as events:
    print("".join(events.text_stream))

if not os.path.exists(sys.argv[1]):
    open(sys.argv[1], "w").close()
    sys.exit("not this time")
