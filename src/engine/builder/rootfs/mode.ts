/** How `--chmod` changes a mode: the mode before and whether it is a directory's give the mode after. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

/** Octal (`755`, `0644`) or symbolic (`u=rwX,go=rX`, `+x`); undefined for anything else. chmod(1) says what they mean. */
export function parseMode(text: string): ModeChange | undefined {
  if (/^[0-7]{1,5}$/.test(text)) {
    const value = parseInt(text, 8);
    return value > 0o7777 ? undefined : () => value;
  }
  const clauses = text.split(',').map(parseClause);
  if (clauses.some((clause) => clause === undefined)) return undefined;
  return (mode, isDirectory) => clauses.reduce((value, clause) => clause?.(value, isDirectory) ?? value, mode);
}

const classShift = { u: 6, g: 3, o: 0 } as const;

function parseClause(text: string): ModeChange | undefined {
  const match = /^([ugoa]*)([-+=])([rwxXst]*|[ugo])$/.exec(text);
  if (match === null) return undefined;
  const [, who = '', operator = '', what = ''] = match;
  const classes = (['u', 'g', 'o'] as const).filter((name) => who === '' || who.includes('a') || who.includes(name));
  return (mode, isDirectory) => {
    const execute = what.includes('x') || (what.includes('X') && (isDirectory || (mode & 0o111) !== 0));
    const copied = what in classShift ? (mode >> classShift[what as keyof typeof classShift]) & 7 : 0;
    const bits = copied | (what.includes('r') ? 4 : 0) | (what.includes('w') ? 2 : 0) | (execute ? 1 : 0);
    let set = 0;
    let cleared = 0;
    for (const name of classes) {
      set |= bits << classShift[name];
      cleared |= 7 << classShift[name];
    }
    if (what.includes('s')) set |= (classes.includes('u') ? 0o4000 : 0) | (classes.includes('g') ? 0o2000 : 0);
    if (what.includes('t')) set |= 0o1000;
    if (operator === '+') return mode | set;
    return operator === '-' ? mode & ~set : (mode & ~cleared) | set;
  };
}
