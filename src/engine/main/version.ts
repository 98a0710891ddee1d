declare const TSCOMPOSE_VERSION: string | undefined;

/** From package.json, put in by the build. */
export const engineVersion = typeof TSCOMPOSE_VERSION === 'string' ? TSCOMPOSE_VERSION : '0.0.0-source';
