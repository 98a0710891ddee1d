import { TscomposeError } from '../../base/errors.js';
import './errors.js';

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

export function createFailure(reason: string, program: string): TscomposeError<'oci/create-failed'> {
  const { text, exitCode } = explainFailure(reason, program);
  return new TscomposeError({
    code: 'oci/create-failed',
    message: `failed to create task for container: OCI runtime create failed: unable to start container process: ${text}`,
    facts: { reason: text, exitCode },
  });
}
