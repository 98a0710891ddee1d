const unitSeconds: Readonly<Record<string, number>> = { w: 604_800, d: 86_400, h: 3_600, m: 60, s: 1 };

/** Seconds after which `daily`, `weekly` and `every_…` want an image looked at again; undefined for other policies. */
export function pullPeriodS(policy: string): number | undefined {
  if (policy === 'daily') return unitSeconds['d'];
  if (policy === 'weekly') return unitSeconds['w'];
  const duration = /^every_((?:\d+[wdhms])+)$/.exec(policy)?.[1];
  if (duration === undefined) return undefined;
  return [...duration.matchAll(/(\d+)([wdhms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitSeconds[unit ?? ''] ?? 0),
    0,
  );
}
