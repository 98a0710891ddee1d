// Makes sure the embedded engine has an image `busybox`: pulled where a registry answers, else imported from the
// distribution's static busybox.
import { execFileSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cli = join(root, 'dist/tscompose.cjs');
execFileSync(cli, ['engine', 'info'], { stdio: ['ignore', 'ignore', 'inherit'] }); // starts it, and it may end again
const { socket } = JSON.parse(execFileSync(cli, ['engine', 'status', '--format', 'json'], { encoding: 'utf8' }));

/** Resolves to the status and the whole body. */
function call(method, path, { body, timeoutMs } = {}) {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: socket, method, path, timeout: timeoutMs }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode, text }));
      response.on('error', reject); // an answer that began and went silent
    });
    // Without a time of our own Node's is 5 s, which a busy machine may take.
    if (timeoutMs !== undefined) sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.on('error', reject);
    if (body) body.pipe(sent);
    else sent.end();
  });
}

const present = async () => (await call('GET', '/images/busybox/json')).status === 200;

async function pull() {
  try {
    await call('POST', '/images/create?fromImage=busybox&tag=latest', { timeoutMs: 15_000 });
  } catch {
    // No registry in reach: the import below serves.
  }
}

async function importLocal() {
  const folder = mkdtempSync(join(tmpdir(), 'busybox-'));
  try {
    const archive = join(folder, 'rootfs.tar');
    execFileSync('sh', [join(root, 'scripts/busybox-rootfs.sh'), archive], { stdio: 'inherit' });
    const query = new URLSearchParams([
      ['fromSrc', '-'],
      ['repo', 'busybox'],
      ['tag', 'latest'],
      ['changes', 'CMD ["sh"]'],
      ['changes', 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    ]);
    const answer = await call('POST', `/images/create?${query}`, { body: createReadStream(archive) });
    if (answer.status !== 200 || answer.text.includes('"error"'))
      throw new Error(`cannot import busybox: ${answer.text}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (!(await present())) {
  await pull();
  if (!(await present())) await importLocal();
}
