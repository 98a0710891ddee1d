import { fileURLToPath } from 'node:url';
import type { Rule } from './rule.js';

export const securityPage = fileURLToPath(new URL('../../../../docs/security.md', import.meta.url));

const introduction = `# Security

What holds for a container that asks for nothing, and what the engine keeps to itself. Every line is a test, most of them
from inside a container; where a dockerd has the same thing, the test also holds that ours is equal or stricter
(\`sh scripts/write-conformance.sh\` writes this page and runs both). The engine runs as root, and whoever may use its
socket is root on the machine, as with Docker.

What an attribute of a Compose file loosens or tightens is in [conformance.md](conformance.md): \`privileged\`, \`cap_add\`,
\`cap_drop\`, \`devices\`, \`security_opt\`, \`read_only\`, \`user\`, \`pid\`, \`ipc\`, \`network_mode\` and so on.
`;

/** The page: rules by section. */
export function renderSecurity(rules: readonly Rule[]): string {
  const sections = [...new Set(rules.map(({ section }) => section))];
  return [
    introduction,
    ...sections.flatMap((section) => [
      `## ${section}`,
      '',
      '| rule | looked at | beside dockerd |',
      '|---|---|---|',
      ...rules.filter((rule) => rule.section === section).map(row),
      '',
    ]),
  ].join('\n');
}

function row({ rule, host, notLaxerThan }: Rule): string {
  const beside = notLaxerThan === 'none' ? '–' : notLaxerThan === undefined ? 'the same' : 'the same or stricter';
  return `| ${rule.replaceAll('|', '\\|')} | ${host === undefined ? 'inside' : 'on the host'} | ${beside} |`;
}
