import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { copyProgram } from './host-program.js';
import { BuildLab, type FileSpec, missing } from './lab.js';

interface Story {
  readonly name: string;
  readonly files: Readonly<Record<string, FileSpec>>;
  /** Of the image, below the path. */
  readonly look: string;
  readonly holds: readonly string[];
}

/** Dockerfiles as people write them, on `busybox` and on `node`, an image with the node of this machine. */
const stories: readonly Story[] = [
  {
    name: 'a node app: dependencies in a stage of their own, with a cache mount, tests in one that is left out',
    files: {
      Dockerfile: `# syntax=docker/dockerfile:1
FROM node AS deps
WORKDIR /app
COPY package*.json ./
RUN --mount=type=cache,target=/root/.npm \\
    mkdir -p node_modules/left && date > /root/.npm/used && node -p 'require("./package.json").name' > node_modules/left/name
FROM deps AS test
RUN exit 1
FROM node
ENV NODE_ENV=production
WORKDIR /app
COPY --from=deps /app/node_modules ./node_modules
COPY --chown=1000:1000 . .
USER alice
RUN node index.js > /tmp/out
CMD ["node", "index.js"]
`,
      'package.json': '{"name":"shop"}',
      'index.js':
        'console.log(require("fs").readFileSync("node_modules/left/name","utf8").trim(), process.env.NODE_ENV)',
      'node_modules/junk': 'junk',
      '.dockerignore': 'node_modules\nDockerfile*\n.dockerignore\n',
    },
    look: '/tmp/out',
    holds: ['f 644 1000:1000 . "shop production\\n"'],
  },
  {
    name: 'a static site: built by node, served from a folder',
    files: {
      Dockerfile: `FROM node AS build
WORKDIR /src
COPY . .
RUN node build.js
FROM busybox
COPY --from=build /src/dist /www
EXPOSE 8080
HEALTHCHECK --interval=5s CMD wget -q -O /dev/null http://localhost:8080/ || exit 1
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
`,
      'build.js': 'const fs = require("fs"); fs.mkdirSync("dist"); fs.writeFileSync("dist/index.html", "<h1>hi</h1>")',
    },
    look: '/www',
    holds: ['d 755 0:0 .', 'f 644 0:0 index.html "<h1>hi</h1>"'],
  },
  {
    name: 'a program in an image of its own: version from an argument, nothing else in it',
    files: {
      Dockerfile: `ARG VERSION=dev
FROM busybox AS build
ARG VERSION
WORKDIR /go/src/app
COPY . .
RUN --mount=type=cache,target=/root/.cache/build sh make.sh "$VERSION" /out/app
FROM scratch
COPY --from=build /out/app /app
ENTRYPOINT ["/app"]
`,
      'make.sh': 'mkdir -p "$(dirname $2)" && echo "app $1" > $2 && chmod 755 $2\n',
    },
    look: '/',
    holds: ['f 755 0:0 app "app dev\\n"'],
  },
  {
    name: 'a database: init scripts, a user of its own, a volume, an entrypoint from a heredoc',
    files: {
      Dockerfile: `FROM busybox
RUN set -eux; echo "db:x:70:70::/var/lib/db:/bin/sh" >> /etc/passwd; mkdir -m 700 -p /var/lib/db; chown 70:70 /var/lib/db
COPY --chmod=755 <<'EOF' /usr/local/bin/entrypoint.sh
#!/bin/sh
for f in /initdb.d/*; do . "$f"; done
exec "$@"
EOF
COPY init/*.sh /initdb.d/
VOLUME /var/lib/db
USER db
RUN entrypoint.sh true > /var/lib/db/log
ENTRYPOINT ["entrypoint.sh"]
STOPSIGNAL SIGINT
`,
      'init/10-schema.sh': 'echo schema\n',
      'init/20-data.sh': 'echo data\n',
      'init/README': 'no',
    },
    look: '/var/lib/db',
    holds: ['d 700 70:70 .', 'f 644 70:70 log "schema\\ndata\\n"'],
  },
  {
    name: 'stages by argument: one for development, one for production',
    files: {
      Dockerfile: `ARG STAGE=production
FROM busybox AS base
WORKDIR /srv
FROM base AS development
RUN exit 1
FROM base AS production
RUN echo production > mode
FROM \${STAGE} AS final
LABEL org.opencontainers.image.title=app
`,
    },
    look: '/srv',
    holds: ['d 755 0:0 .', 'f 644 0:0 mode "production\\n"'],
  },
];

describe.skipIf(missing !== undefined)(`Dockerfiles of real life (needs ${missing ?? 'nothing more'})`, () => {
  let lab: BuildLab;
  beforeAll(async () => {
    lab = await BuildLab.open();
    const root = join(lab.folder, 'contexts', 'node-image');
    mkdirSync(root, { recursive: true });
    copyProgram(process.execPath, root, '/usr/local/bin/node');
    chmodSync(join(root, 'usr/local/bin/node'), 0o755);
    lab.context('node-image', {
      Dockerfile: 'FROM busybox\nCOPY . /\n',
      '.dockerignore': 'Dockerfile\n.dockerignore\n',
    });
    await lab.build(root, { tags: ['node'] });
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  test.each(stories.map((story) => [story.name, story] as const))('%s', async (name, { files, look, holds }) => {
    const context = lab.context(name.replace(/\W+/g, '-').slice(0, 40), files);
    const first = await lab.build(context);
    const tree = await lab.tree(first.image, look);
    for (const line of holds) expect(tree).toContain(line);
    const again = await lab.build(context);
    expect(again.image.id).toBe(first.image.id);
    expect(again.text).not.toContain('Running in');
  });
});
