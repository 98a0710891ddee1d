import { randomBytes } from 'node:crypto';
import { StringDecoder } from 'node:string_decoder';
import { type Digest, hexOf } from '../../../base/digest.js';
import { messageOf } from '../../../base/errors.js';
import type { PlannedStep } from '../plan/planned-step.js';
import type { BuildEvent, BuildMessage, BuildStepInfo } from '../request.js';
import type { Operation, Solved } from '../solver/operation.js';
import type { SolveObserver } from '../solver/solve.js';
import { OrderedOutput } from './ordered-output.js';

interface ReportedStep {
  readonly step: PlannedStep;
  readonly index: number;
  /** Its number in `Step 2/5`; a trigger has none. */
  readonly number: number | undefined;
  readonly containerId: string;
  readonly decoder: StringDecoder;
  startedMs: number;
}

const shortLength = 12;

/**
 * Tells a build's progress twice: as the classic builder's text in the Dockerfile's order, and at once as events.
 * @param imageIdOf - the image after a step that was just solved; asked once a step
 */
export function stepReporter(options: {
  readonly steps: readonly PlannedStep[];
  /** Of the whole Dockerfile. */
  readonly stages: number;
  readonly emit: (message: BuildMessage) => void;
  readonly text: 'ordered' | 'none';
  readonly imageIdOf: (step: PlannedStep) => Promise<Digest | undefined>;
  readonly nowMs: () => number;
}): SolveObserver {
  const { steps, emit, text, imageIdOf, nowMs } = options;
  const total = steps.filter(({ kind }) => kind === 'instruction').length;
  let counted = 0;
  const reported = new Map<Operation, ReportedStep>();
  for (const [index, step] of steps.entries()) {
    reported.set(step.operation, {
      step,
      index,
      number: step.kind === 'instruction' ? ++counted : undefined,
      containerId: randomBytes(shortLength / 2).toString('hex'),
      decoder: new StringDecoder('utf8'),
      startedMs: 0,
    });
  }
  const output = new OrderedOutput(steps.length, text === 'none' ? () => undefined : (stream) => emit({ stream }));
  const event = (data: BuildEvent): void => emit({ tscompose: data });
  const ordinals = ordinalsOf(steps);
  event({
    kind: 'plan',
    stages: options.stages,
    steps: [...reported.values()].map(({ step, index }) => ({
      step: index,
      stage: step.stage,
      instruction: step.instruction.text,
      line: step.instruction.at.line,
      ...(step.baseReference === undefined ? {} : { image: step.baseReference }),
      ...(step.shown === undefined ? {} : { shown: step.shown }),
      ...ordinals.get(step),
    })),
  });
  const say = ({ index }: ReportedStep, line: string): void => output.write(index, line);
  const isContainer = ({ step }: ReportedStep): boolean => step.instruction.keyword === 'RUN';

  return {
    started: (operation) => {
      const one = reported.get(operation);
      if (one === undefined) return;
      one.startedMs = nowMs();
      event({ kind: 'started', step: one.index });
      if (one.number !== undefined) say(one, `Step ${one.number}/${total} : ${one.step.instruction.text}\n`);
      for (const note of one.step.notes) say(one, `${note}\n`);
    },
    running: (operation) => {
      const one = reported.get(operation);
      if (one !== undefined && isContainer(one)) say(one, ` ---> Running in ${one.containerId}\n`);
    },
    output: (operation, chunk) => {
      const one = reported.get(operation);
      if (one === undefined) return;
      const said = one.decoder.write(chunk);
      if (said === '') return;
      event({ kind: 'output', step: one.index, text: said });
      if (text === 'ordered') output.writeOutput(one.index, said);
    },
    solved: async (operation, solved) => {
      const one = reported.get(operation);
      if (one === undefined) return;
      const rest = one.decoder.end();
      if (rest !== '') say(one, rest);
      sayOutcome(one, solved, await imageIdOf(one.step));
      event({
        kind: solved.source === 'cache' ? 'cached' : 'done',
        step: one.index,
        durationMs: nowMs() - one.startedMs,
      });
      output.finish(one.index);
    },
    failed: (operation, error, cause) => {
      const one = reported.get(operation);
      if (one === undefined) return;
      if (cause === 'own') output.flush(one.index);
      event({
        kind: cause === 'own' ? 'failed' : 'canceled',
        step: one.index,
        durationMs: nowMs() - one.startedMs,
        ...(cause === 'own' ? { message: messageOf(error) } : {}),
      });
    },
  };

  function sayOutcome(one: ReportedStep, solved: Solved, imageId: Digest | undefined): void {
    if (solved.source === 'cache') say(one, ' ---> Using cache\n');
    else if (isContainer(one)) say(one, ` ---> Removed intermediate container ${one.containerId}\n`);
    const hasTriggers = one.step.instruction.keyword === 'FROM' && one.step.notes.length > 0;
    if (!hasTriggers) say(one, ` ---> ${imageId === undefined ? '' : hexOf(imageId).slice(0, shortLength)}\n`);
  }
}

/** Steps with files to do with, counted in each stage as BuildKit counts them. */
function ordinalsOf(steps: readonly PlannedStep[]): Map<PlannedStep, Pick<BuildStepInfo, 'ordinal'>> {
  const byStage = new Map<string, PlannedStep[]>();
  for (const step of steps) {
    const { keyword } = step.instruction;
    const counts =
      keyword === 'FROM' ? step.baseReference !== undefined : ['RUN', 'COPY', 'ADD', 'WORKDIR'].includes(keyword);
    if (counts) byStage.set(step.stage, [...(byStage.get(step.stage) ?? []), step]);
  }
  return new Map(
    [...byStage.values()].flatMap((stage) =>
      stage.map((step, index) => [step, { ordinal: { number: index + 1, of: stage.length } }] as const),
    ),
  );
}
