import { isObject, UsageError } from '../core/index.ts';

/** Throws where a value cannot be used as the option at `path`. */
export type Check = (value: unknown, path: string) => void;

/** Ends with an error that names the option. */
export function refuseOption(path: string, problem: string): never {
  throw new UsageError({ code: 'config', message: path === '' ? `simulator options: ${problem}` : `simulator option ${path}: ${problem}`, hint: 'correct the option and start the simulator again' });
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : (JSON.stringify(value) ?? typeof value);
}

export function numberFrom(min: number, bounds: { readonly max?: number; readonly above?: boolean; readonly below?: number; readonly integer?: boolean } = {}): Check {
  return (value, path) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) refuseOption(path, `must be a number, not ${shown(value)}`);
    if (bounds.integer === true && !Number.isInteger(value)) refuseOption(path, `must be a whole number, not ${value}`);
    if (bounds.above === true ? value <= min : value < min) refuseOption(path, `must be ${bounds.above === true ? 'above' : 'at least'} ${min}, not ${value}`);
    if (bounds.max !== undefined && value > bounds.max) refuseOption(path, `must be at most ${bounds.max}, not ${value}`);
    if (bounds.below !== undefined && value >= bounds.below) refuseOption(path, `must be below ${bounds.below}, not ${value}`);
  };
}

export const fraction: Check = numberFrom(0, { max: 1 });

export const text: Check = (value, path) => {
  if (typeof value !== 'string') refuseOption(path, `must be text, not ${shown(value)}`);
};

export const flag: Check = (value, path) => {
  if (typeof value !== 'boolean') refuseOption(path, `must be true or false, not ${shown(value)}`);
};

export function oneOf(allowed: readonly string[]): Check {
  return (value, path) => {
    if (typeof value !== 'string' || !allowed.includes(value)) refuseOption(path, `must be one of ${allowed.join(', ')}, not ${shown(value)}`);
  };
}

export function listOf(item: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) refuseOption(path, `must be a list, not ${shown(value)}`);
    for (const [index, member] of value.entries()) item(member, `${path}[${index}]`);
  };
}

export function mapOf(member: Check): Check {
  return (value, path) => {
    if (!isObject(value)) refuseOption(path, `must be an object, not ${shown(value)}`);
    for (const [name, one] of Object.entries(value)) member(one, `${path}.${name}`);
  };
}

/** An object with known members alone; those not `required` may be absent. */
export function shape(members: Readonly<Record<string, Check>>, required: readonly string[] = []): Check {
  return (value, path) => {
    if (!isObject(value)) refuseOption(path, `must be an object, not ${shown(value)}`);
    const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
    for (const name of required) if (value[name] === undefined) refuseOption(at(name), 'is required');
    for (const [name, member] of Object.entries(value)) {
      const check = Object.hasOwn(members, name) ? members[name] : undefined;
      if (check === undefined) refuseOption(at(name), `is not known; there are ${Object.keys(members).join(', ')}`);
      if (member !== undefined) check(member, at(name));
    }
  };
}
