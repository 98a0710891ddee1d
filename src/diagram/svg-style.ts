/** Colours of networks; more networks start over, and every pill has its name. */
export const networkColours = 8;

const light = {
  page: '#ffffff',
  ink: '#1f2328',
  muted: '#59636e',
  card: '#f6f8fa',
  border: '#c4ccd4',
  pill: '#e7ecf1',
  started: '#6e7781',
  healthy: '#1a7f37',
  completed: '#9a6700',
  mount: '#b3bcc6',
};

const dark: typeof light = {
  page: '#0d1117',
  ink: '#f0f6fc',
  muted: '#9198a1',
  card: '#161b22',
  border: '#3d444d',
  pill: '#262c36',
  started: '#8b949e',
  healthy: '#3fb950',
  completed: '#d29922',
  mount: '#4b535d',
};

const hues = [212, 32, 150, 330, 265, 190, 5, 60];

/** Everything that decides looks; the picture follows the reader's light or dark mode. */
export const pictureStyle = `
svg{${variables(light)}${networkVariables(42)}}
@media (prefers-color-scheme:dark){svg{${variables(dark)}${networkVariables(62)}}}
text{font-family:ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"Liberation Sans",sans-serif;font-size:12px;fill:var(--ink)}
.page{fill:var(--page)}
.heading{font-size:16px;font-weight:600}
.service rect{fill:var(--card);stroke:var(--border)}
.name{font-size:14px;font-weight:600}
.copies{font-size:11px;fill:var(--muted);text-anchor:end}
.origin{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:11px;fill:var(--muted)}
.pill rect{fill:var(--pill);stroke:none}
.pill .label{font-size:11px}
.network rect,.mode rect{fill:none;stroke:var(--border)}
.volume path{fill:var(--card);stroke:var(--border)}
.volume .rim{fill:none}
.external path{stroke-dasharray:4 3}
.centre{text-anchor:middle}
.line{fill:none;stroke-width:1.5}
.started{stroke:var(--started)}
.healthy{stroke:var(--healthy)}
.completed{stroke:var(--completed);stroke-dasharray:7 4}
.optional{stroke-dasharray:2 4}
.mount{stroke:var(--mount)}
marker .started{fill:var(--started);stroke:none}
marker .healthy{fill:var(--healthy);stroke:none}
marker .completed{fill:var(--completed);stroke:none}
.legend text{font-size:11px;fill:var(--muted)}
.legend .label{fill:var(--ink)}
${hues.map((_, index) => `.n${index} circle{fill:var(--n${index})}`).join('\n')}
`;

function variables(colours: typeof light): string {
  return Object.entries(colours)
    .map(([name, colour]) => `--${name}:${colour};`)
    .join('');
}

function networkVariables(lightness: number): string {
  return hues.map((hue, index) => `--n${index}:hsl(${hue} 70% ${lightness}%);`).join('');
}
