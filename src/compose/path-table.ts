/** A rule table keyed by path patterns, prepared so that a walk over a tree only visits what some rule can reach. */
export interface PathTable<Rule> {
  readonly rule?: Rule;
  readonly children: ReadonlyMap<string, PathTable<Rule>>;
}

interface MutableTable<Rule> {
  rule?: Rule;
  children: Map<string, MutableTable<Rule>>;
}

/** `*` matches any key and any list index. */
export function pathTable<Rule>(rules: Readonly<Record<string, Rule>>): PathTable<Rule> {
  const root: MutableTable<Rule> = { children: new Map() };
  for (const [pattern, rule] of Object.entries(rules)) {
    let table = root;
    for (const step of pattern.split('.')) {
      let next = table.children.get(step);
      if (next === undefined) {
        next = { children: new Map() };
        table.children.set(step, next);
      }
      table = next;
    }
    table.rule = rule;
  }
  return root;
}

/** A position in a table: all patterns that still fit the path so far. */
export type TableState<Rule> = readonly PathTable<Rule>[];

export function stepTable<Rule>(state: TableState<Rule>, key: string | number): TableState<Rule> {
  const next: PathTable<Rule>[] = [];
  for (const table of state) {
    const exact = typeof key === 'string' ? table.children.get(key) : undefined;
    if (exact !== undefined) next.push(exact);
    const any = table.children.get('*');
    if (any !== undefined) next.push(any);
  }
  return next;
}

export function ruleAt<Rule>(state: TableState<Rule>): Rule | undefined {
  for (const table of state) if (table.rule !== undefined) return table.rule;
  return undefined;
}
