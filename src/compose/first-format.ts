/** Keys by which a mapping at the top level is known for a service of the first Compose format. */
export const serviceKeys: ReadonlySet<string> = new Set([
  'image',
  'build',
  'command',
  'ports',
  'links',
  'volumes',
  'environment',
  'net',
  'extends',
]);
