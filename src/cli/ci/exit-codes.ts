/**
 * How `ci` ends, beside 0, the exit code of the tests themselves, and 1 for files and flags that are wrong. Chosen to
 * keep clear of what test programs end with.
 */
export const ciExitCodes = {
  /** An image could not be pulled or built. */
  images: 70,
  /** A service did not start, or did not become healthy. */
  start: 71,
  /** Everything passed, but the project could not be taken down. */
  down: 72,
  /** As timeout(1). */
  timeout: 124,
  interrupted: 130,
} as const;
