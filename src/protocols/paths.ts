/** A URL path without query, fragment and trailing slashes. */
export function barePath(path: string): string {
  // Most are bare already, and this stands in the way of every request that a tap sees.
  if (!path.endsWith('/') && !path.includes('?') && !path.includes('#')) return path;
  return path.replace(/[?#].*$/s, '').replace(/\/+$/, '');
}

/** Whether a POST to `path` ends as `pattern` says; servers may put any prefix before it. */
export function postTo(method: string, path: string, pattern: RegExp): boolean {
  return isPost(method) && pattern.test(barePath(path));
}

export function isPost(method: string): boolean {
  return method === 'POST' || method.toUpperCase() === 'POST';
}

/**
 * The deployment that an Azure OpenAI path names, `/openai/deployments/NAME/…`. There the request's body may name no model.
 *
 * Source: Microsoft, "Azure OpenAI in Foundry Models REST API reference".
 */
export function azureDeployment(path: string): string | undefined {
  const name = /\/deployments\/([^/?#]+)\//i.exec(path)?.[1];
  if (name === undefined) return undefined;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
