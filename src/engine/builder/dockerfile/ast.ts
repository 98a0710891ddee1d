import type { SourceLocation } from '../../../base/source-location.js';
import type { Heredoc } from './heredoc.js';
import type { LogicalLine, ParserDirectives } from './lines.js';

export type CommandLine =
  | { readonly form: 'exec'; readonly args: readonly string[] }
  /** `text` goes to the shell; with heredocs it still holds their `<<NAME` marks. */
  | { readonly form: 'shell'; readonly text: string; readonly heredocs: readonly Heredoc[] };

export interface NamedValue {
  readonly name: string;
  /** As written, quotes included: expansion takes them off. */
  readonly value: string;
}

export interface HealthcheckSettings {
  readonly intervalNs?: number;
  readonly timeoutNs?: number;
  readonly startPeriodNs?: number;
  readonly startIntervalNs?: number;
  readonly retries?: number;
}

/** `RUN --device`: a CDI name, or a class of devices. */
export interface DeviceWish {
  readonly name: string;
  readonly required: boolean;
}

interface InstructionFacts {
  FROM: { readonly image: string; readonly platform?: string; readonly name?: string };
  RUN: {
    readonly command: CommandLine;
    readonly mounts: readonly string[];
    readonly network?: 'default' | 'none' | 'host';
    readonly security?: 'sandbox' | 'insecure';
    readonly devices: readonly DeviceWish[];
  };
  COPY: TransferFacts & { readonly from?: string };
  /** Without `unpack` a local archive is unpacked, one from a URL not. */
  ADD: TransferFacts & { readonly checksum?: string; readonly keepGitDir: boolean; readonly unpack?: boolean };
  ENV: { readonly pairs: readonly NamedValue[] };
  LABEL: { readonly pairs: readonly NamedValue[] };
  ARG: { readonly args: readonly { readonly name: string; readonly value?: string }[] };
  WORKDIR: { readonly path: string };
  USER: { readonly user: string };
  EXPOSE: { readonly ports: readonly string[] };
  VOLUME: { readonly paths: readonly string[] };
  ENTRYPOINT: { readonly command: CommandLine };
  CMD: { readonly command: CommandLine };
  MAINTAINER: { readonly author: string };
  STOPSIGNAL: { readonly signal: string };
  HEALTHCHECK: { readonly command: CommandLine | 'none'; readonly settings: HealthcheckSettings };
  SHELL: { readonly args: readonly string[] };
  /** `trigger` is kept as text and parsed where it fires; it is checked when the file is read. */
  ONBUILD: { readonly trigger: string };
}

export interface TransferFacts {
  readonly sources: readonly string[];
  readonly heredocs: readonly Heredoc[];
  readonly destination: string;
  readonly chown?: string;
  readonly chmod?: string;
  readonly link: boolean;
  readonly parents: boolean;
  readonly exclude: readonly string[];
}

export type Keyword = keyof InstructionFacts;

export type InstructionOf<K extends Keyword> = {
  readonly keyword: K;
  /** The instruction on one line as the `Step 1/3 : …` text shows it. */
  readonly text: string;
  readonly at: SourceLocation;
} & InstructionFacts[K];

export type Instruction = { [K in Keyword]: InstructionOf<K> }[Keyword];

export interface Stage {
  readonly from: InstructionOf<'FROM'>;
  readonly index: number;
  /** Lower case; `FROM x AS name`. */
  readonly name?: string;
  readonly instructions: readonly Exclude<Instruction, InstructionOf<'FROM'>>[];
}

export interface Dockerfile {
  readonly file: string;
  readonly escape: '\\' | '`';
  /** ARG instructions before the first FROM. */
  readonly globalArgs: readonly InstructionOf<'ARG'>[];
  readonly stages: readonly Stage[];
  /** The line that an instruction was read from. */
  readonly lineOf: ReadonlyMap<Instruction, LogicalLine>;
  readonly check?: ParserDirectives['check'];
}
