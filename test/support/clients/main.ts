// A program in ESM. With METER_LAST it loads the meter after its clients were made.
import { run } from './run.ts';

const load = <Module>(name: string): Promise<Module> => import(name) as Promise<Module>;
const last = process.env['METER_LAST'];
await run(load, last === undefined ? undefined : () => import(last));
