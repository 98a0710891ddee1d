import type { Project } from '../../compose/index.js';
import { buildGraph, dependenciesOf } from '../../graph/index.js';
import type { UpFlags } from './flags.js';

/** What an attached `up` does with which services. */
export interface Attachment {
  /** Everything that runs for this command. */
  readonly followed: ReadonlySet<string>;
  /** Whose output is shown. */
  readonly shown: ReadonlySet<string>;
  /** Whose end is the end of the command: those named, else those shown. What they need goes on. */
  readonly awaited: readonly string[];
}

/** @param services - named on the command line; none: all */
export function attachmentOf(project: Project, services: readonly string[], flags: UpFlags): Attachment {
  const named = services.length === 0 ? Object.keys(project.model.services) : services;
  const needs = flags.noDeps ? [] : dependenciesOf(buildGraph(project), named);
  const followed = new Set([...named, ...needs]);
  const candidates = flags.attach.length > 0 ? flags.attach : flags.attachDependencies ? followed : named;
  const shown = new Set(
    [...candidates].filter(
      (service) => !flags.noAttach.includes(service) && project.model.services[service]?.attach !== false,
    ),
  );
  const decisive = flags.exitCodeFrom === undefined ? [] : [flags.exitCodeFrom];
  const unnamed = shown.size > 0 ? [...shown, ...decisive] : [...followed];
  return { followed, shown, awaited: services.length > 0 ? services : unnamed };
}
