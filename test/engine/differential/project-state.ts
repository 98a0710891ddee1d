import { request } from 'node:http';

interface Listed {
  readonly Labels: Readonly<Record<string, string>>;
  readonly State: string;
  readonly Status: string;
}

/** Whether a service's only container runs again after having been restarted by its restart policy. */
export async function hasRestarted(project: string, service: string, socketPath: string): Promise<boolean> {
  const { RestartCount, State } = (await get(socketPath, `/v1.45/containers/${project}-${service}-1/json`)) as {
    readonly RestartCount: number;
    readonly State: { readonly Status: string };
  };
  return RestartCount > 0 && State.Status === 'running';
}

/** Containers of a project as the engine itself tells them, one a line: `web running 0`, `job exited 3`. Sorted. */
export async function projectState(project: string, socketPath: string): Promise<readonly string[]> {
  const labels = [`com.docker.compose.project=${project}`, 'com.docker.compose.oneoff'];
  const filters = encodeURIComponent(JSON.stringify({ label: labels }));
  const listed = (await get(socketPath, `/v1.45/containers/json?all=1&filters=${filters}`)) as readonly Listed[];
  return listed
    .map(({ Labels, State, Status }) => {
      const service = Labels['com.docker.compose.service'] ?? '';
      const exitCode = /^(?:Exited|Restarting|Dead) \((\d+)\)/.exec(Status)?.[1] ?? '0';
      return `${service} ${State} ${exitCode}`;
    })
    .sort();
}

async function get(socketPath: string, path: string): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    request({ socketPath, path }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      answer.on('end', () => {
        resolve(JSON.parse(text));
      });
    })
      .on('error', reject)
      .end();
  });
}
