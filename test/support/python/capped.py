"""Goes on asking until it has been refused twice, and says what each call came to."""

import openai

client = openai.OpenAI()
refused = 0
while refused < 2:
    try:
        client.chat.completions.create(model="a", messages=[{"role": "user", "content": "More."}])
        print("answered")
    except openai.RateLimitError as error:
        refused += 1
        print("refused", error.status_code, error.code)
