/** Names a quota bucket: `provider/account-or-host/model-or-deployment`. */
export function deploymentName(provider: string, accountOrHost: string, model: string): string {
  return `${provider}/${accountOrHost}/${model}`;
}

/** Whether a host is this machine: the loopback range, `localhost` or `::1`. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
