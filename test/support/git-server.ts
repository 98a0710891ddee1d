import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { LoopbackServer } from './loopback-server.js';

/** Git repositories over http on loopback, served by git's own CGI program. */
export class GitServer extends LoopbackServer {
  readonly requests: string[] = [];
  /** `user:password`; with it nobody else gets anything. */
  login: string | undefined;
  readonly folder = mkdtempSync(join(tmpdir(), 'git-server-'));

  override async close(): Promise<void> {
    await super.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Commits files (a text `-> target` is a link) to a branch of `NAME.git`. @returns the commit */
  commit(name: string, files: Readonly<Record<string, string>>, branch = 'main'): string {
    const bare = join(this.folder, `${name}.git`);
    const tree = join(this.folder, `${name}.tree`);
    mkdirSync(tree, { recursive: true });
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: tree, env: gitEnv, encoding: 'utf8' });
    execFileSync('git', ['init', '--quiet', '--bare', '--initial-branch=main', bare], { env: gitEnv });
    if (execFileSync('ls', ['-A', tree]).length === 0) git('init', '--quiet', '--initial-branch=main');
    git('checkout', '--quiet', '-B', branch);
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(tree, path)), { recursive: true });
      rmSync(join(tree, path), { force: true });
      if (text.startsWith('-> ')) symlinkSync(text.slice(3), join(tree, path));
      else writeFileSync(join(tree, path), text);
    }
    git('add', '--all');
    git('commit', '--quiet', '--allow-empty', '-m', 'x');
    git('push', '--quiet', '--force', bare, branch);
    return git('rev-parse', 'HEAD').trim();
  }

  tag(name: string, tag: string): void {
    const tree = join(this.folder, `${name}.tree`);
    execFileSync('git', ['tag', '-a', '-m', 'x', tag], { cwd: tree, env: gitEnv });
    execFileSync('git', ['push', '--quiet', join(this.folder, `${name}.git`), tag], { cwd: tree, env: gitEnv });
  }

  protected override answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', `http://${this.host}`);
    this.requests.push(`${request.method ?? ''} ${url.pathname}`);
    const { authorization = '' } = request.headers;
    if (this.login !== undefined && authorization !== `Basic ${Buffer.from(this.login).toString('base64')}`) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
    const program = spawn('git', ['http-backend'], {
      env: {
        ...gitEnv,
        GIT_PROJECT_ROOT: this.folder,
        GIT_HTTP_EXPORT_ALL: '1',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'],
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    request.pipe(program.stdin);
    const chunks: Buffer[] = [];
    program.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    program.on('close', () => {
      const whole = Buffer.concat(chunks);
      const end = whole.indexOf('\r\n\r\n');
      for (const line of whole.subarray(0, end).toString().split('\r\n')) {
        const [key = '', value = ''] = line.split(/: /);
        if (key === 'Status') response.statusCode = Number.parseInt(value, 10);
        else response.setHeader(key, value);
      }
      response.end(whole.subarray(end + 4));
    });
  }
}

const gitEnv = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 't',
  GIT_AUTHOR_EMAIL: 't@example.com',
  GIT_COMMITTER_NAME: 't',
  GIT_COMMITTER_EMAIL: 't@example.com',
};
