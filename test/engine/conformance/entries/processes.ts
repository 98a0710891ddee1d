import type { Entry } from '../entry.js';
import type { Run } from '../run.js';

const soon = (): AbortSignal => AbortSignal.timeout(30_000);
const who = 'id -u; id -g; grep ^Groups: /proc/self/status | tr -s " \\t" " "';

/** Who a container is, what it runs and how it ends (Compose file, "Process"). */
export const processes: readonly Entry[] = [
  {
    attribute: 'command',
    fields: ['Cmd'],
    effect: 'a list is executed as it is',
    service: { command: ['echo', 'a  b', '$$HOME'] },
    expected: 'a  b $HOME',
  },
  {
    attribute: 'command',
    fields: ['Cmd'],
    effect: 'a text is split like a shell does, and expands nothing',
    service: { command: `echo 'a  b' $$HOME` },
    expected: 'a  b $HOME',
  },
  {
    attribute: 'image',
    fields: ['Image'],
    effect: 'without a command runs that of the image',
    service: {},
    expected: 'from image',
  },
  {
    attribute: 'entrypoint',
    fields: ['Entrypoint'],
    effect: 'comes before the command',
    service: { entrypoint: ['echo', 'entry'], command: ['cmd'] },
    expected: 'entry cmd',
  },
  {
    attribute: 'entrypoint',
    fields: ['Entrypoint'],
    effect: 'drops the command of the image',
    service: { entrypoint: 'echo entry' },
    expected: 'entry',
  },
  {
    attribute: 'working_dir',
    fields: ['WorkingDir'],
    effect: 'is where the process starts, and is made',
    service: { working_dir: '/made/deep' },
    script: 'pwd; stat -c "%u %a" /made/deep',
    expected: '/made/deep\n0 755',
  },
  {
    attribute: 'working_dir',
    fields: ['WorkingDir'],
    effect: 'comes from the image',
    script: 'pwd',
    expected: '/home/app',
  },
  {
    attribute: 'user',
    fields: ['User'],
    effect: 'a name of the image has its uid, gid, groups and home',
    service: { user: 'app' },
    script: `${who}; echo $HOME`,
    expected: '1000\n1001\nGroups: 29 1001\n/home/app',
  },
  {
    attribute: 'user',
    fields: ['User'],
    effect: 'a number that the image knows stands for its user',
    service: { user: '1000' },
    script: `${who}; echo $HOME`,
    expected: '1000\n1001\nGroups: 29 1001\n/home/app',
  },
  {
    attribute: 'user',
    fields: ['User'],
    effect: 'a number that the image does not know has group 0 and home /',
    service: { user: '4242' },
    script: `${who}; echo $HOME`,
    expected: '4242\n0\nGroups: 0\n/',
  },
  {
    attribute: 'user',
    fields: ['User'],
    effect: 'user:group leaves the groups of the image out',
    service: { user: 'app:video' },
    script: who,
    expected: '1000\n44\nGroups: 44',
  },
  {
    attribute: 'user',
    fields: ['User'],
    effect: 'uid:gid need no entry in the image',
    service: { user: '77:88' },
    script: who,
    expected: '77\n88\nGroups: 88',
  },
  {
    attribute: 'user',
    fields: ['User'],
    effect: 'root, when nothing is said, with the groups that list it',
    script: who,
    expected: '0\n0\nGroups: 0 10',
  },
  {
    attribute: 'group_add',
    fields: ['HostConfig.GroupAdd'],
    effect: 'adds groups by name and by number',
    service: { user: 'app', group_add: ['video', 555] },
    script: who,
    expected: '1000\n1001\nGroups: 29 44 555 1001',
  },
  {
    attribute: 'hostname',
    fields: ['Hostname'],
    effect: 'is the name of the host, in the kernel, /etc/hostname and the environment',
    service: { hostname: 'named' },
    script: 'hostname; cat /etc/hostname; echo $HOSTNAME',
    expected: 'named\nnamed\nnamed',
  },
  {
    attribute: 'domainname',
    fields: ['Domainname'],
    effect: 'is the domain name in the kernel',
    service: { hostname: 'named', domainname: 'example.org' },
    script: 'cat /proc/sys/kernel/domainname',
    expected: 'example.org',
  },
  {
    attribute: 'container_name',
    fields: ['Hostname'],
    effect: 'leaves the host name at the first twelve digits of the id',
    service: { container_name: 'tscconf-named' },
    act: async (run: Run): Promise<string> => {
      await run.up();
      const [found] = await run.client.containers.list({ all: true, filters: { name: ['^/?tscconf-named$'] } }, soon());
      const id = found?.Id ?? '';
      return (await run.ended(id)).replace(id.slice(0, 12), 'ID');
    },
    script: 'hostname',
    expected: 'ID',
  },
  {
    attribute: 'environment',
    fields: ['Env'],
    effect: 'is set over what the image sets; PATH and HOME are given',
    service: { environment: { FROM: 'file', NUMBER: 5, FROM_SHELL: null } },
    script: 'echo $FROM $NUMBER $FROM_SHELL $HOME; echo $PATH',
    expected: 'file 5 shell /root\n/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  },
  {
    attribute: 'environment',
    fields: ['Env'],
    effect: 'a name without value takes the variable of the image away',
    service: { environment: ['FROM'] },
    script: 'echo ${FROM-unset}',
    expected: 'unset',
  },
  {
    attribute: 'env_file',
    fields: ['Env'],
    effect: 'is read, with the environment winning',
    service: { env_file: ['.vars'], environment: { B: 'own' } },
    files: { '.vars': 'A=file\nB=file\nC="two words"\n' },
    script: 'echo $A $B $C',
    expected: 'file own two words',
  },
  {
    attribute: 'init',
    fields: ['HostConfig.Init'],
    effect: 'puts a process 1 in front that reaps orphans and passes signals on',
    service: { init: true },
    script:
      '(sleep 0.1 &) ; cat /proc/1/cmdline | tr "\\0" " " | cut -d" " -f1; sleep 0.4; ps -o stat,comm | grep -c "^Z"; [ $$ = 1 ] || echo child',
    expected: /^\/sbin\/docker-init\n0\nchild$/,
    peer: {
      expected: /docker-init/,
      because: 'the dockerd of this machine comes without its docker-init',
    },
  },
  {
    attribute: 'tty',
    fields: ['Tty'],
    effect: 'gives a terminal on all three streams, and TERM',
    service: { tty: true },
    script: 'tty; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo terminal; echo $TERM',
    expected: '/dev/pts/0\nterminal\nxterm',
  },
  {
    attribute: 'tty',
    fields: ['Tty'],
    effect: 'without it there is none',
    script: 'tty; echo ${TERM-none}',
    expected: 'not a tty\nnone',
  },
  {
    attribute: 'stdin_open',
    fields: ['OpenStdin', 'StdinOnce', 'AttachStdin', 'AttachStdout', 'AttachStderr'],
    effect: 'keeps the input open for whoever attaches',
    service: { stdin_open: true },
    script: 'read line; echo "got $line"',
    act: async (run: Run): Promise<string> => {
      await run.up();
      const id = await run.container('check');
      const attached = await run.client.containers.attach(id, { stdin: true }, soon());
      attached.input.end('words\n');
      return await run.ended(id);
    },
    expected: 'got words',
  },
  {
    attribute: 'stdin_open',
    fields: ['OpenStdin'],
    effect: 'without it the input is empty',
    script: 'cat; echo end',
    expected: 'end',
  },
  {
    attribute: 'stop_signal',
    fields: ['StopSignal'],
    effect: 'is what a stop sends',
    service: { stop_signal: 'SIGUSR1' },
    script: 'trap "echo usr1; exit 0" USR1; trap "echo term; exit 0" TERM; echo ready; while :; do sleep 0.05; done',
    act: stopped,
    expected: 'ready\nusr1',
  },
  {
    attribute: 'stop_signal',
    fields: ['StopSignal'],
    effect: 'comes from the image',
    script: 'trap "echo int; exit 0" INT; trap "echo term; exit 0" TERM; echo ready; while :; do sleep 0.05; done',
    act: stopped,
    expected: 'ready\nint',
  },
  {
    attribute: 'stop_grace_period',
    fields: ['StopTimeout'],
    effect: 'is waited for before the kill',
    service: { stop_grace_period: '1s' },
    script: 'trap "" INT TERM; echo ready; while :; do sleep 0.05; done',
    act: async (run: Run): Promise<string> => {
      await run.up();
      const id = await run.container('check');
      const begin = Date.now();
      await run.client.containers.stop(id, {}, soon());
      const tookMs = Date.now() - begin;
      const { StatusCode } = await run.client.containers.wait(id, {}, soon());
      return `${StatusCode} after ${tookMs >= 900 && tookMs < 5000 ? 'a second' : `${tookMs} ms`}`;
    },
    expected: '137 after a second',
  },
  {
    attribute: 'restart',
    fields: ['HostConfig.RestartPolicy'],
    effect: 'on-failure:2 starts again twice, with the same files',
    service: { restart: 'on-failure:2' },
    script: 'echo run >>/runs; wc -l </runs; exit 3',
    act: async (run: Run): Promise<string> => {
      await run.up();
      const id = await run.container('check');
      for (let left = 200; left > 0; left -= 1) {
        const { State, RestartCount } = await run.client.containers.inspect(id, soon());
        if (State.Status === 'exited' && RestartCount === 2) break;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return await run.logs(id);
    },
    expected: '1\n2\n3',
  },
  {
    attribute: 'healthcheck',
    fields: ['Healthcheck'],
    effect: 'runs in the container, with its user and environment',
    service: {
      user: 'app',
      environment: { WORD: 'seen' },
      healthcheck: { test: 'echo "$$WORD $$(id -u) $$(pwd)" >/tmp/health', interval: '100ms', timeout: '5s' },
    },
    script: 'while [ ! -s /tmp/health ]; do sleep 0.05; done; cat /tmp/health',
    expected: 'seen 1000 /home/app',
  },
  {
    attribute: 'healthcheck.disable',
    fields: ['Healthcheck'],
    effect: 'runs nothing',
    service: { healthcheck: { disable: true } },
    script: 'sleep 0.2; ls /tmp',
    expected: '',
  },
  {
    attribute: 'logging',
    fields: ['HostConfig.LogConfig'],
    effect: 'the log options cap what is kept, and the newest stays',
    service: { logging: { driver: 'json-file', options: { 'max-size': '4k', 'max-file': '2' } } },
    script: 'i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo "line number $i"; done; sleep 0.2',
    act: async (run: Run): Promise<string> => {
      await run.up();
      const output = await run.outputOf('check');
      return output.split('\n').at(-1) ?? '';
    },
    expected: 'line number 1000',
  },
  {
    attribute: 'labels',
    fields: ['Labels'],
    effect: 'are not in the container',
    service: { labels: { 'org.example.word': 'labelled' } },
    script: 'grep -c labelled /proc/self/environ /proc/self/mountinfo; env | grep -c labelled',
    expected: '/proc/self/environ:0\n/proc/self/mountinfo:0\n0',
  },
  {
    attribute: 'post_start',
    fields: [],
    effect: 'see the commands of a hook: it runs as an exec, with its own user and folder',
    script: 'while :; do sleep 1; done',
    act: async (run: Run): Promise<string> => {
      await run.up();
      return await run.exec('check', 'id -u; pwd; echo $WORD', { User: 'app', WorkingDir: '/tmp', Env: ['WORD=hook'] });
    },
    expected: '1000\n/tmp\nhook',
  },
];

async function stopped(run: Parameters<NonNullable<Entry['act']>>[0]): Promise<string> {
  await run.up();
  const id = await run.container('check');
  while (!(await run.logs(id)).includes('ready')) await new Promise((resolve) => setTimeout(resolve, 20));
  await run.client.containers.stop(id, {}, soon());
  return await run.ended(id);
}
