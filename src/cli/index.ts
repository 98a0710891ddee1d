export { exitCodes, Interrupts, type InterruptSignal } from './interrupts.js';
export { runCli, runRelayed } from './program.js';
