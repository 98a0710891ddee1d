export { openBuildKit, sessionFacts, type BuildKit } from './open.js';
