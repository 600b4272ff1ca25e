#!/usr/bin/env node
// The npm compiler behind the two calls of the native `solc` that py-solc-x and brownie make:
// `--version` and `--standard-json`. For machines that cannot download the native one.
'use strict';
const fs = require('fs');
const path = require('path');
const { spawnSync } = require('child_process');

const solc = () => require('@@SOLC@@');
const args = process.argv.slice(2);
const optionOf = (name) => {
  const at = args.findIndex((arg) => arg === name || arg.startsWith(name + '='));
  return at < 0 ? '' : args[at].includes('=') ? args[at].slice(name.length + 1) : args[at + 1];
};

function writeAll(text) {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length; ) {
    try {
      done += fs.writeSync(1, bytes, done);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

function read(name) {
  try {
    return { contents: fs.readFileSync(path.resolve(optionOf('--base-path') || '.', name), 'utf8') };
  } catch (error) {
    return { error: `File not found: ${name}` };
  }
}

if (args.includes('--version')) {
  writeAll('solc, the solidity compiler commandline interface\nVersion: @@VERSION@@\n'); // loading it takes most of a second
} else if (!args.includes('--standard-json')) {
  process.stderr.write('this stand-in knows --version and --standard-json only\n');
  process.exit(1);
} else if (!process.env.SOLC_DEEP_STACK) {
  // The compiler's recursion needs more stack than node gives.
  const again = spawnSync(process.execPath, ['--stack-size=60000', __filename, ...args], {
    stdio: 'inherit',
    env: { ...process.env, SOLC_DEEP_STACK: '1' },
  });
  process.exit(again.status === null ? 1 : again.status);
} else {
  const input = JSON.parse(fs.readFileSync(0, 'utf8'));
  for (const [name, source] of Object.entries(input.sources || {})) {
    if (source.content === undefined && source.urls) input.sources[name] = { content: read(source.urls[0]).contents };
  }
  writeAll(solc().compile(JSON.stringify(input), { import: read }) + '\n');
}
