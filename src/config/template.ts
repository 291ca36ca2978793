/** The commented configuration that `assay init` writes. It works as it stands: against the simulator, at no cost. */
export const CONFIG_TEMPLATE = `# yaml-language-server: $schema=./node_modules/assay/schema/assay.schema.json
# Assay's configuration. Flags on the command line go before it.
# Keys never stand here: name the environment variable, or write \${NAME} where a value is one.

# What is tried, as provider:model. sim: targets are simulated and cost nothing.
#   openai:gpt-4.1-mini   azure:DEPLOYMENT   anthropic:MODEL   compat:NAME (see providers)   sim:weak
targets:
  - sim:weak

# What is run: a family (probes), or a part of one (probes.encoding). \`assay plugins\` lists all.
suites:
  - probes.encoding

# The same seed chooses the same prompts.
seed: 0
# Answers per prompt.
generations: 1
# Goals in flight at once.
parallel: 64

# Experiments of your own: suites: [experiments:./my-experiment.ts]
# experiments:
#   trials: 50                     # of each variant
#   variants: [short, long]        # only these
#   threshold: 0.5                 # score from which a trial has passed

# Sent with every request to a target; what is left out stays at the provider's default.
parameters:
  # temperature: 0.7
  # system: You are a helpful assistant.
  maxOutputTokens: 512

# A run stops before it goes over one of these.
budgets:
  # calls: 5000
  # tokens: 2000000
  # usd: 10

# Failed calls are tried again, within both bounds.
retry:
  tries: 8
  deadlineSeconds: 120
# A rate limit that outlasts the deadline: end the attempt in error and continue, or stop the run.
onRateLimit: continue

# Needed before anything beyond this machine is probed: who allows it, what, until when.
# engagement:
#   by: Jane Doe, security lead
#   scope: red-team probes of the staging assistant
#   until: 2027-01-31

# How providers are reached.
# providers:
#   openai:
#     apiKeyEnv: OPENAI_API_KEY
#   azure:
#     endpoint: \${AZURE_OPENAI_ENDPOINT}
#     apiKeyEnv: AZURE_OPENAI_API_KEY
#   anthropic:
#     apiKeyEnv: ANTHROPIC_API_KEY
#   compat:
#     local:                       # the target compat:local
#       baseUrl: http://127.0.0.1:8000/v1
#       model: my-model

# Limits by deployment, provider/account-or-host/model; * stands for any text. Without limits, concurrency adapts.
# deployments:
#   openai/*/gpt-4.1-mini:
#     rpm: 500
#     tpm: 200000
#   azure/*/my-deployment:
#     rpm: 300
#     tpm: 50000
#     subWindowsMs: [1000, 10000]
#     quota: { tokens: 5000000, period: day, onExhausted: stop }

# Prices in US dollars per million tokens, in place of the shipped ones.
# prices:
#   my-model: { input: 0.15, output: 0.60 }

# The gateway of \`assay exec\` and \`assay gateway\`: where requests go, and what comes before them.
# gateway:
#   listen: 127.0.0.1:4100
#   tokens: [ "\${ASSAY_GATEWAY_TOKEN}" ]   # needed beyond this machine
#   longestWaitSeconds: 30               # for a limit; then 429 with retry-after
#   upstreams:
#     openai: { url: https://api.openai.com/v1, apiKeyEnv: OPENAI_API_KEY }
#     my-server: { url: http://127.0.0.1:8000/v1, kind: openai }

# A span for every call, and metrics, to an OpenTelemetry collector (OTLP over HTTP). No texts unless content is true.
# telemetry:
#   otlp:
#     endpoint: http://127.0.0.1:4318
#     headers: { authorization: "\${OTLP_AUTHORIZATION}" }
#   content: false

# Where results are kept, readable by you alone.
store: sqlite:.assay/assay.db
`;
