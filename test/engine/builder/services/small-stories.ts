import type { ServiceStory } from './story.js';

const ignore = '.git\nnode_modules\nDockerfile*\n.dockerignore\n';

/** What busybox and the node of this machine are enough for. */
export const smallStories: readonly ServiceStory[] = [
  {
    name: 'a node app: npm ci with a cache mount, tests in a stage of their own, not root',
    bases: ['node'],
    files: {
      Dockerfile: `# syntax=docker/dockerfile:1
ARG NODE_IMAGE=node

FROM \${NODE_IMAGE} AS base
WORKDIR /app
ENV NPM_CONFIG_UPDATE_NOTIFIER=false NPM_CONFIG_FUND=false NPM_CONFIG_AUDIT=false

FROM base AS deps
COPY package.json package-lock.json* yarn.lock* ./
COPY vendor ./vendor
RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --offline

FROM base AS test
COPY --from=deps /app/node_modules ./node_modules
COPY . .
RUN exit 1

FROM base AS production
ENV NODE_ENV=production PORT=3000
RUN echo 'app:x:1000:1000::/app:/bin/sh' >> /etc/passwd && echo 'app:x:1000:' >> /etc/group
COPY --from=deps --chown=app:app /app/node_modules ./node_modules
COPY --from=deps /app/vendor ./vendor
COPY --chown=app:app . .
USER app
EXPOSE 3000
HEALTHCHECK --interval=5s CMD wget -qO- http://127.0.0.1:3000/health || exit 1
CMD ["node", "server.js"]
`,
      '.dockerignore': ignore,
      'package.json': '{"name":"shop","version":"1.0.0","dependencies":{"greet":"file:vendor/greet"}}',
      'package-lock.json': JSON.stringify({
        name: 'shop',
        version: '1.0.0',
        lockfileVersion: 3,
        packages: {
          '': { name: 'shop', version: '1.0.0', dependencies: { greet: 'file:vendor/greet' } },
          'node_modules/greet': { resolved: 'vendor/greet', link: true },
          'vendor/greet': { name: 'greet', version: '2.0.0' },
        },
      }),
      'vendor/greet/package.json': '{"name":"greet","version":"2.0.0","main":"index.js"}',
      'vendor/greet/index.js': 'module.exports = (who) => `hello ${who}`;',
      'server.js': `const greet = require('greet');
require('http').createServer((request, response) => {
  response.end(JSON.stringify({ says: greet(process.env.NODE_ENV), uid: process.getuid() }));
}).listen(process.env.PORT);
process.on('SIGTERM', () => process.exit(0));
`,
      'node_modules/greet/index.js': 'throw new Error("of the host")',
    },
    expects: { port: 3000, path: '/', answer: '{"says":"hello production","uid":1000}' },
  },
  {
    name: 'a static site: built by node, served by httpd',
    bases: ['node'],
    files: {
      Dockerfile: `FROM node AS build
WORKDIR /src
COPY . .
ARG TITLE=site
RUN node build.js "$TITLE"

FROM busybox
COPY --from=build /src/dist /www
COPY <<EOF /etc/httpd.conf
H:/www
E404:/www/404.html
EOF
EXPOSE 8080
CMD ["httpd", "-f", "-p", "8080", "-c", "/etc/httpd.conf"]
`,
      'build.js':
        "const fs = require('fs'); fs.mkdirSync('dist'); for (const f of ['index', '404']) fs.writeFileSync(`dist/${f}.html`, `<h1>${process.argv[2]} ${f}</h1>`);",
    },
    args: { TITLE: 'docs' },
    expects: { port: 8080, path: '/', answer: '<h1>docs index</h1>' },
  },
  {
    name: 'stages for development and production: the one of development',
    bases: [],
    target: 'dev',
    files: multiTarget(),
    expects: { port: 8000, path: '/mode', answer: 'development, reloads\n' },
  },
  {
    name: 'stages for development and production: the one of production',
    bases: [],
    target: 'prod',
    files: multiTarget(),
    expects: { port: 8000, path: '/mode', answer: 'production\n' },
  },
  {
    name: 'a database with init scripts, a volume and an entrypoint from a heredoc',
    bases: [],
    files: {
      Dockerfile: `FROM busybox
RUN set -eux; echo "db:x:70:70::/var/lib/db:/bin/sh" >> /etc/passwd; mkdir -m 700 -p /var/lib/db; chown 70:70 /var/lib/db
COPY --chmod=755 <<'EOF' /usr/local/bin/entrypoint.sh
#!/bin/sh
set -e
if [ ! -e "$DATA/ready" ]; then
  for f in /initdb.d/*; do case "$f" in *.sh) . "$f" ;; *.tsv) cat "$f" >> "$DATA/rows" ;; esac; done
  touch "$DATA/ready"
fi
exec "$@"
EOF
ENV DATA=/var/lib/db
COPY init/ /initdb.d/
VOLUME /var/lib/db
USER db
STOPSIGNAL SIGINT
ENTRYPOINT ["entrypoint.sh"]
CMD ["nc", "-ll", "-p", "5000", "-e", "cat", "/var/lib/db/rows"]
`,
      'init/10-schema.sh': 'echo "id name" > "$DATA/rows"\n',
      'init/20-data.tsv': '1 one\n',
      'init/README': 'no',
    },
    expects: { command: ['sh', '-c', 'nc 127.0.0.1 5000 < /dev/null'], answer: 'id name\n1 one\n' },
  },
];

function multiTarget(): Record<string, string> {
  return {
    Dockerfile: `FROM busybox AS base
WORKDIR /srv
EXPOSE 8000
ENTRYPOINT ["httpd", "-f", "-p", "8000", "-h"]
CMD ["/srv"]

FROM base AS dev
RUN echo 'development, reloads' > mode

FROM base AS build
COPY src src
RUN sed 's/MODE/production/' src/mode.in > mode && rm -r src

FROM base AS prod
COPY --from=build /srv /srv
USER 65534
`,
    'src/mode.in': 'MODE\n',
  };
}
