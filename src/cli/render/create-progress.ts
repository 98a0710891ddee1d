import { jsonProgress } from './progress-json.js';
import { plainProgress } from './progress-plain.js';
import { type Progress, type ProgressMode, type ProgressOptions, quietProgress } from './progress.js';

export async function createProgress(mode: ProgressMode, options: ProgressOptions): Promise<Progress> {
  switch (mode) {
    case 'tty': {
      const { ttyProgress } = await import('./progress-tty.js'); // brings listr2: only where something is drawn
      return ttyProgress(options);
    }
    case 'plain':
      return plainProgress(options);
    case 'json':
      return jsonProgress(options);
    case 'quiet':
      return quietProgress;
  }
}
