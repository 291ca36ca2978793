import * as z from 'zod';
import { hasReference } from '../core/index.ts';

const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The name of an environment variable; a key written in its place is refused without being repeated. */
export const envName = z.string().regex(ENV_NAME, { error: 'must be the name of an environment variable (such as OPENAI_API_KEY), not a value' });

export const urlSchema = z.string().refine((text) => hasReference(text) || isHttpUrl(text), { error: 'must be an http:// or https:// URL' });

export const headersSchema = z
  .record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, { error: 'is not a header name' }), z.string())
  .describe('Headers sent with every request. Secrets as ${ENV} references only.');

const openai = z
  .strictObject({
    baseUrl: urlSchema.optional().describe('Base URL, up to and including /v1.'),
    apiKeyEnv: envName.optional().describe('Environment variable that holds the key; OPENAI_API_KEY by default.'),
    organization: z.string().optional().describe('Organization id.'),
    project: z.string().optional().describe('Project id.'),
    headers: headersSchema.optional(),
    api: z.enum(['chat', 'responses']).optional().describe('Which API carries the calls; chat by default.'),
  })
  .describe('OpenAI.');

const azure = z
  .strictObject({
    endpoint: urlSchema.optional().describe('Endpoint, e.g. https://NAME.openai.azure.com.'),
    resource: z.string().min(1).optional().describe('Resource name, where the endpoint is the usual one.'),
    apiVersion: z.string().optional().describe('The api-version query parameter.'),
    apiKeyEnv: envName.optional().describe('Environment variable that holds the key; AZURE_OPENAI_API_KEY, then AZURE_API_KEY by default.'),
    headers: headersSchema.optional(),
  })
  .refine((value) => value.endpoint === undefined || value.resource === undefined, { error: 'takes endpoint or resource, not both' })
  .describe('Azure OpenAI. Targets name the deployment: azure:DEPLOYMENT.');

const anthropic = z
  .strictObject({
    baseUrl: urlSchema.optional().describe('Base URL, up to and including /v1.'),
    apiKeyEnv: envName.optional().describe('Environment variable that holds the key; ANTHROPIC_API_KEY by default.'),
    version: z.string().optional().describe('The anthropic-version header.'),
    headers: headersSchema.optional(),
  })
  .describe('Anthropic.');

const compatible = z
  .strictObject({
    baseUrl: urlSchema.describe('Base URL, usually up to and including /v1.'),
    model: z.string().min(1).optional().describe('Model asked for where the target names none.'),
    apiKeyEnv: envName.optional().describe('Environment variable that holds the key. Left out, no key is sent.'),
    headers: headersSchema.optional(),
    supportsN: z.boolean().optional().describe('Whether one request may ask for several answers (n).'),
  })
  .describe('An endpoint that speaks the OpenAI chat format.');

export const providersSchema = z.strictObject({
  openai: openai.optional(),
  azure: azure.optional(),
  anthropic: anthropic.optional(),
  compat: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, { error: 'must be a plain name: letters, digits, dot, dash, underscore' }), compatible)
    .optional()
    .describe('OpenAI-compatible endpoints by name; a target calls them compat:NAME.'),
});

export function isHttpUrl(text: string): boolean {
  const parsed = URL.parse(text);
  return parsed !== null && (parsed.protocol === 'http:' || parsed.protocol === 'https:');
}
