import { TscomposeError } from '../../base/errors.js';
import './errors.js';
import type { RuntimeProgram } from './runtime.js';

/**
 * Docker's words for what crun and runc say, since clients map them to exit codes: 127 for a program that is not there,
 * 126 for one that may not be run.
 * @param reason - the runtime's message
 * @param program - the first word of the command
 */
export function explainFailure(
  reason: string,
  program: string,
): { readonly text: string; readonly exitCode: 126 | 127 | 128 } {
  const lower = reason.toLowerCase();
  const quoted = JSON.stringify(program);
  // Only these are about the program; any other "no such file" is about a mount, a device or a folder.
  if (program === '') return { text: 'exec: "": executable file not found in $PATH', exitCode: 127 };
  const aboutFolder = /^chdir `(.*)`: (.*)$/.exec(reason); // crun's
  if (aboutFolder !== null) {
    const [, folder = '', problem = ''] = aboutFolder;
    const text = folder.startsWith('/')
      ? `chdir to cwd (${JSON.stringify(folder)}) set in config.json failed: ${problem.toLowerCase()}`
      : 'Cwd must be an absolute path';
    return { text, exitCode: 128 };
  }
  const aboutProgram = /executable file|exec(ve)?:? |open executable|stat executable/i.test(reason);
  if (/executable file .*not found in \$path/i.test(reason) || (aboutProgram && lower.includes('no such file'))) {
    const text = program.includes('/')
      ? `stat ${program}: no such file or directory`
      : 'executable file not found in $PATH';
    return { text: `exec: ${quoted}: ${text}`, exitCode: 127 };
  }
  if (aboutProgram && lower.includes('permission denied')) {
    return { text: `exec: ${quoted}: permission denied`, exitCode: 126 };
  }
  // crun opens the program as a file; a folder gives EPERM there.
  if (/open executable: operation not permitted/i.test(reason) || (aboutProgram && lower.includes('is a directory')))
    return { text: `exec: ${quoted}: is a directory`, exitCode: 126 };
  return { text: reason, exitCode: 128 };
}

/** With all that dockerd puts round it: clients look for parts of it. */
export function createFailure(
  runtime: Pick<RuntimeProgram, 'kind'>,
  reason: string,
  program: string,
): TscomposeError<'oci/create-failed'> {
  const bare = reason.replace(/^(?:runc create failed: )?(?:unable to start container process: )?/, '');
  return notStarted(runtime, explainFailure(bare, program));
}

export function notStarted(
  { kind }: Pick<RuntimeProgram, 'kind'>,
  { text, exitCode }: ReturnType<typeof explainFailure>,
): TscomposeError<'oci/create-failed'> {
  const where = `failed to create shim task: OCI runtime create failed: ${kind} create failed`;
  return new TscomposeError({
    code: 'oci/create-failed',
    message: `failed to create task for container: ${where}: unable to start container process: ${text}: unknown`,
    facts: { reason: text, exitCode },
  });
}

/** The same for a process beside the first. */
export function execFailure(reason: string, program: string): { readonly text: string; readonly exitCode: 126 | 127 } {
  const { text, exitCode } = explainFailure(reason, program);
  const isAboutProcess = text.startsWith('Cwd must');
  return {
    text: `OCI runtime exec failed: exec failed: ${isAboutProcess ? '' : 'unable to start container process: '}${text}: unknown`,
    exitCode: exitCode === 128 ? 126 : exitCode, // there is a container: whatever it was, the command could not run
  };
}
