/** The short form of a mount, `[source:]target[:options]`, taken apart. */
export interface ShortMount {
  readonly type: 'bind' | 'volume';
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly noCopy: boolean;
  readonly propagation?: string;
  readonly selinux?: string;
}

const propagations = new Set(['rprivate', 'private', 'rshared', 'shared', 'rslave', 'slave']);

/**
 * Reads the short form. A source that starts like a path (`.`, `/`, `~`, a Windows drive or pipe) is a bind mount,
 * any other a volume; unknown options are ignored, as docker compose does.
 */
export function parseMount(spec: string): ShortMount | { readonly problem: string } {
  if (spec === '') return { problem: 'an empty text is no mount' };
  if (spec.length <= 2) return { type: 'volume', source: '', target: spec, readOnly: false, noCopy: false };
  const sections = splitSections(spec);
  if (sections.includes('')) return { problem: 'there is nothing between two colons' };
  if (sections.length > 3) return { problem: 'there are too many colons' };
  const [first = '', second, options] = sections;
  const source = second === undefined ? '' : first;
  const target = second ?? first;
  const mount = {
    type: isPath(source) ? ('bind' as const) : ('volume' as const),
    source,
    target,
    ...readOptions(options),
  };
  return mount;
}

/** Colons divide, except the one after a drive letter and those inside `${…}`. */
function splitSections(spec: string): readonly string[] {
  const sections: string[] = [];
  let section = '';
  let braces = 0;
  const characters = Array.from(spec);
  for (const [index, character] of characters.entries()) {
    if (character === '$' && characters[index + 1] === '{') braces++;
    else if (character === '}' && braces > 0) braces--;
    else if (character === ':' && braces === 0 && !/^\p{L}$/u.test(section)) {
      sections.push(section);
      section = '';
      continue;
    }
    section += character;
  }
  sections.push(section);
  return sections;
}

function readOptions(options: string | undefined): Pick<ShortMount, 'readOnly' | 'noCopy' | 'propagation' | 'selinux'> {
  let readOnly = false;
  let noCopy = false;
  let propagation: string | undefined;
  let selinux: string | undefined;
  for (const option of options?.split(',') ?? []) {
    if (option === 'ro') readOnly = true;
    else if (option === 'rw') readOnly = false;
    else if (option === 'nocopy') noCopy = true;
    else if (option === 'z' || option === 'Z') selinux = option;
    else if (propagations.has(option)) propagation = option;
  }
  return {
    readOnly,
    noCopy,
    ...(propagation !== undefined && { propagation }),
    ...(selinux !== undefined && { selinux }),
  };
}

function isPath(source: string): boolean {
  return /^[./~]/.test(source) || source.startsWith('\\\\') || /^\p{L}:/u.test(source);
}
