/** One thing that can fail. */
export interface CiCase {
  /** `images`, `service db`, `tests` */
  readonly name: string;
  readonly seconds: number;
  /** Undefined when it passed. */
  readonly failure: CiFailure | undefined;
}

export interface CiFailure {
  /** One line. */
  readonly message: string;
  readonly text: string;
}

/** A report in the form that GitLab, Jenkins and GitHub's report actions read (testmoapp/junitxml). */
export function junitReport(suite: string, cases: readonly CiCase[]): string {
  const failures = cases.filter(({ failure }) => failure !== undefined).length;
  const seconds = cases.reduce((sum, one) => sum + one.seconds, 0);
  const counts = `tests="${cases.length}" failures="${failures}" time="${seconds.toFixed(3)}"`;
  const elements = cases.map(({ name, seconds: own, failure }) => {
    const open = `    <testcase classname="${escaped(suite)}" name="${escaped(name)}" time="${own.toFixed(3)}"`;
    if (failure === undefined) return `${open}/>`;
    const inside = `      <failure message="${escaped(failure.message)}">${escaped(failure.text)}</failure>`;
    return `${open}>\n${inside}\n    </testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="tscompose" ${counts}>`,
    `  <testsuite name="${escaped(suite)}" ${counts}>`,
    ...elements,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

/** XML 1.0 has no place for most control characters, not even escaped. */
function escaped(text: string): string {
  return text
    .replaceAll(/[^\P{Cc}\t\n\r]|[\ufffe\uffff]|\p{Surrogate}/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;')
    .replaceAll('\t', '&#9;');
}
