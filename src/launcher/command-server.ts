/** Entry of `dist/command-server.cjs SOCKET`: runs commands for other processes; see src/relay. */
import { dirname, join } from 'node:path';
import { buildId, bundleFile, loadBundle } from './load-bundle.js';

const [socketPath = ''] = process.argv.slice(2);
const enginePath = join(dirname(socketPath), 'engine.sock');
const { serve } = loadBundle('server');
void serve(socketPath, enginePath, { buildId, codeFile: bundleFile }).then(() => process.exit(0));
