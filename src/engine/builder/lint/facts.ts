/** What a Dockerfile alone does not tell. */
export interface LintFacts {
  /** Names of the variables that an image sets; undefined where that is not known. */
  variablesOf(image: string): readonly string[] | undefined;
  /** Whether the ignore file keeps a path, and all below it, out of the context. */
  leavesOut(path: string): boolean;
  /** Whether a text can name an image. */
  isReference(text: string): boolean;
}
