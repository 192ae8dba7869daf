#!/usr/bin/env node
// Starts on any Node >= 18: installs what is missing, bundles what changed, and runs the app on a Node that is new enough.
import { join } from 'node:path';
import { launch } from './launch.mjs';
import { ROOT, ensureBuilt, ensureInstalled } from './setup.mjs';

ensureInstalled();
await ensureBuilt();
launch(join(ROOT, 'dist', 'main.mjs'), process.argv.slice(2));
