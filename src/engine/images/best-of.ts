import { hostPlatform, platformScore } from '../../registry/index.js';
import type { Image } from './types.js';

/** The image of a list that serves a platform best, this machine's where none is asked for; the first where none does. */
export function bestOf(images: readonly Image[], platform = hostPlatform()): Image | undefined {
  const score = ({ config }: Image): number => platformScore(config, platform);
  return [...images].sort((a, b) => score(b) - score(a))[0];
}
