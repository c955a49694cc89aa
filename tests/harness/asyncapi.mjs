// Reads an AsyncAPI document from the standard input with AsyncAPI's own parser, whose folder is the argument, and prints what it
// says of it: what is wrong, and the messages of each operation.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(`${process.argv[2]}/`);
const { Parser } = require('@asyncapi/parser');
const { document, diagnostics } = await new Parser().parse(readFileSync(0, 'utf8'));
const severities = ['error', 'warning', 'information', 'hint'];
const wrong = diagnostics.map((told) => ({
  severity: severities[told.severity],
  message: `${told.path.join('.')}: ${told.message}`,
}));
const operations = (document?.operations().all() ?? []).map((operation) => [
  operation.id(),
  operation.messages().all().map((message) => message.id()),
]);
console.log(JSON.stringify({ valid: document !== undefined, wrong, operations: Object.fromEntries(operations) }));
