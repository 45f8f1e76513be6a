/**
 * `tsx scripts/check-compose.ts <file>`: complains about a Compose file, exit code 1 if there is anything to say.
 * Called by `npm run check`. No Docker is needed, and nothing is started.
 */
import { readFileSync } from 'node:fs';
import { judgeCompose } from './compose-schema.ts';

const file = process.argv[2] ?? 'docker-compose.yml';
const complaints = judgeCompose(readFileSync(file, 'utf8'));
for (const complaint of complaints) console.error(`${file} ${complaint}`);
if (complaints.length === 0) console.log(`${file} keeps the Compose specification`);
process.exitCode = complaints.length === 0 ? 0 : 1;
