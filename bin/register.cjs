/* eslint-disable typescript/no-require-imports, typescript/unbound-method -- the one form that every Node loads */
'use strict';
// Loaded by NODE_OPTIONS into every Node program under `assay exec`: turns the meter on, so that calls that go past the gateway are
// counted too. Written for any Node, because whatever Node the program starts loads it.
const { closeSync, existsSync, openSync, realpathSync } = require('node:fs');
const { join } = require('node:path');

const NEEDED_MAJOR = 24;

if (!isAssayItself()) {
  if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) {
    const source = join(__dirname, '..', 'src', 'register.ts');
    require(existsSync(source) ? source : join(__dirname, '..', 'dist', 'register.js'));
  } else if (first()) {
    process.stderr.write(`assay: Node ${process.versions.node} runs here, and counting calls that go past the gateway needs ${NEEDED_MAJOR}: calls to the base URLs that were set are counted, others are not\n`);
  }
}

/** Assay keeps its own books. */
function isAssayItself() {
  try {
    return realpathSync(process.argv[1]) === join(realpathSync(__dirname), 'assay.js');
  } catch {
    return false;
  }
}

/** Whether nobody has said it yet: one line a run is enough, however many programs it starts. */
function first() {
  const folder = process.env.ASSAY_NOTICES;
  if (folder === undefined || folder === '') return false;
  try {
    closeSync(openSync(join(folder, 'old-node'), 'wx'));
    return true;
  } catch {
    return false;
  }
}
