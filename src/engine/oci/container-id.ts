import { randomBytes } from 'node:crypto';

/** Of ids of build steps and of trial containers: neither outlives its engine nor has a record. */
const stepPrefix = 'step-';
const probePrefix = 'probe-';

/** A container with a record, a build step, a trial container; each of them is one plain name of a folder. */
const idPattern = /^(?:[0-9a-f]{64}|step-[0-9a-f]{24}|probe-[0-9a-f]{12})$/;

/** Of everything that was not made here: an id becomes the name of folders and control groups that are removed whole. */
export function isContainerId(text: string): boolean {
  return idPattern.test(text);
}

export function isPassingId(id: string): boolean {
  return id.startsWith(stepPrefix) || id.startsWith(probePrefix);
}

export function newStepId(): string {
  return `${stepPrefix}${randomBytes(12).toString('hex')}`;
}

export function newProbeId(): string {
  return `${probePrefix}${randomBytes(6).toString('hex')}`;
}
