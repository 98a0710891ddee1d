export { exitCodes, Interrupts } from './interrupts.js';
export { runCli } from './program.js';
