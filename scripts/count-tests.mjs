// count-tests.mjs REPORT: sums up the runner's JSON report in one closing line. A file that did not load is a failure,
// and so is a run without tests.
import { readFileSync } from 'node:fs';

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const notLoaded = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
const failed = report.numFailedTests + notLoaded.length;
const skipped = report.numPendingTests + report.numTodoTests;
console.log(`${report.numPassedTests} passed, ${failed} failed, ${skipped} skipped`);
if (report.numPassedTests === 0 || failed > 0) process.exit(1);
