/** Entry of `dist/engine.cjs`. */
import { loadBundle } from './load-bundle.js';

loadBundle();
