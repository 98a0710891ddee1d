/** YAML as written, before anchors, merge keys and types mean anything. Offsets count UTF-16 code units, end exclusive. */
export type SyntaxNode = ScalarSyntax | ListSyntax | MapSyntax | AliasSyntax;

interface Located {
  readonly start: number;
  readonly end: number;
}

interface Tagged extends Located {
  /** In full for the tags of YAML itself (`tag:yaml.org,2002:int`), as written for others (`!reset`). */
  readonly tag?: string | undefined;
  readonly anchor?: string | undefined;
}

export interface ScalarSyntax extends Tagged {
  readonly kind: 'scalar';
  readonly text: string;
  /** Without quotes and not a block: its text may mean a number, a boolean or nothing. */
  readonly plain: boolean;
}

export interface ListSyntax extends Tagged {
  readonly kind: 'list';
  readonly items: readonly SyntaxNode[];
}

export interface MapSyntax extends Tagged {
  readonly kind: 'map';
  readonly pairs: readonly PairSyntax[];
}

export interface AliasSyntax extends Located {
  readonly kind: 'alias';
  readonly name: string;
}

export interface PairSyntax {
  readonly key: SyntaxNode;
  /** Undefined where not even a colon asks for one: `{a}`. */
  readonly value: SyntaxNode | undefined;
}
