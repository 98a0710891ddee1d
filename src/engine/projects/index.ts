export { noSuchProject, parseGraph } from './parse-graph.js';
export { openProjects, type Projects } from './projects.js';
export { decideStarts, type Member } from './schedule.js';
