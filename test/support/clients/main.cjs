// oxlint-disable typescript/no-require-imports -- that is what it is for
'use strict';
// A program in CommonJS: the meter and every library come by `require`.
if (process.env.METER_FIRST !== undefined) require(process.env.METER_FIRST);

const { run } = require('./run.ts');
void run(async (name) => require(name));
