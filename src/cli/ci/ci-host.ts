import type { TscomposeError } from '../../base/errors.js';
import type { OutputStream, Terminal } from '../terminal.js';

/** What the place we run at can show: folded groups of output, and failures beside lines of files. */
export interface CiHost {
  beginGroup(title: string): void;
  endGroup(): void;
  /** Beside the line of the user's file, where there is such a view. */
  annotate(error: TscomposeError, relativeFile: string | undefined): void;
}

/** GitHub Actions and GitLab CI are known by the variables they set; elsewhere groups are headings. */
export function ciHost(out: OutputStream, environment: Terminal['environment']): CiHost {
  if (environment['GITHUB_ACTIONS'] === 'true') return github(out);
  if (environment['GITLAB_CI'] === 'true') return gitlab(out);
  return {
    beginGroup: (title) => out.write(`── ${title} ──\n`),
    endGroup: () => undefined,
    annotate: () => undefined,
  };
}

/** Workflow commands: https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
function github(out: OutputStream): CiHost {
  const data = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const property = (text: string) => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  return {
    beginGroup: (title) => out.write(`::group::${data(title)}\n`),
    endGroup: () => out.write('::endgroup::\n'),
    annotate: ({ message, at }, file) => {
      const [title = ''] = message.split('\n');
      const place =
        at === undefined || file === undefined ? [] : [`file=${property(file)}`, `line=${at.line}`, `col=${at.column}`];
      out.write(`::error ${[...place, `title=${property(title)}`].join(',')}::${data(message)}\n`);
    },
  };
}

/** Collapsible sections: https://docs.gitlab.com/ci/jobs/job_logs/#custom-collapsible-sections */
function gitlab(out: OutputStream): CiHost {
  let section = '';
  const mark = (word: string) => `\u001b[0Ksection_${word}:${Math.floor(Date.now() / 1_000)}:${section}\r\u001b[0K`;
  return {
    beginGroup: (title) => {
      section = `tscompose_${title.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')}`;
      out.write(`${mark('start')}${title}\n`);
    },
    endGroup: () => out.write(`${mark('end')}\n`),
    annotate: () => undefined, // GitLab takes failures from the JUnit report
  };
}
