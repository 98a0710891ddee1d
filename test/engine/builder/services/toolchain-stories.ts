import type { ServiceStory } from './story.js';

/** With the compilers and servers themselves; minutes, and some hundred megabytes of packages. */
export const toolchainStories: readonly ServiceStory[] = [
  {
    name: 'python: pip install of requirements in a stage, the packages copied',
    bases: ['python'],
    files: {
      Dockerfile: `FROM python AS build
WORKDIR /build
COPY requirements.txt .
COPY greeting greeting
RUN --mount=type=cache,target=/root/.cache/pip \\
    pip install --no-index --no-build-isolation --target /install -r requirements.txt

FROM python
ENV PYTHONUNBUFFERED=1 PYTHONPATH=/install
COPY --from=build /install /install
COPY app.py /app/
WORKDIR /app
USER 1000:1000
CMD ["python3", "app.py"]
`,
      'requirements.txt': './greeting\n',
      'greeting/setup.py':
        'from setuptools import setup\nsetup(name="greeting", version="1.2", py_modules=["greeting"])\n',
      'greeting/greeting.py': 'def hello(who): return f"hello {who}"\n',
      'app.py': `from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
import greeting
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(f"{greeting.hello('python')} {version('greeting')}".encode())
HTTPServer(("", 8000), Handler).serve_forever()
`,
    },
    expects: { port: 8000, path: '/', answer: 'hello python 1.2' },
  },
  {
    name: 'go: modules, cache mounts, a version from an argument, an image of one static file',
    bases: ['golang'],
    files: {
      Dockerfile: `FROM golang AS build
WORKDIR /src
COPY go.mod ./
COPY main.go ./
ARG VERSION=dev
RUN --mount=type=cache,target=/root/.cache/go-build --mount=type=cache,target=/go/pkg/mod \\
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/app .

FROM scratch
COPY --from=build /out/app /app
EXPOSE 8080
USER 65532:65532
ENTRYPOINT ["/app"]
`,
      'go.mod': 'module example.test/app\n\ngo 1.19\n',
      'main.go': `package main

import (
	"fmt"
	"net/http"
)

var version = "none"

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "go %s", version) })
	panic(http.ListenAndServe(":8080", nil))
}
`,
    },
    args: { VERSION: '1.4.0' },
    expects: { port: 8080, path: '/', answer: 'go 1.4.0' },
  },
  {
    name: 'rust: cargo with its target directory in a cache, the program copied out',
    bases: ['rust', 'debian'],
    files: {
      Dockerfile: `FROM rust AS build
WORKDIR /src
COPY Cargo.toml ./
COPY src src
RUN --mount=type=cache,target=/src/target --mount=type=cache,target=/root/.cargo/registry \\
    cargo build --release --offline && cp target/release/app /app

FROM debian
COPY --from=build /app /usr/local/bin/app
EXPOSE 8080
CMD ["app"]
`,
      'Cargo.toml': '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n',
      'src/main.rs': `use std::io::{Read, Write};
fn main() {
    for stream in std::net::TcpListener::bind("0.0.0.0:8080").unwrap().incoming() {
        let mut stream = stream.unwrap();
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\\r\\nContent-Length: 4\\r\\nConnection: close\\r\\n\\r\\nrust");
    }
}
`,
    },
    expects: { port: 8080, path: '/', answer: 'rust' },
  },
  {
    name: 'java: compiled and packed in one stage, run in another',
    bases: ['jdk'],
    files: {
      Dockerfile: `FROM jdk AS build
ENV PATH=/usr/lib/jvm/default-java/bin:$PATH
WORKDIR /src
COPY src src
RUN mkdir classes && javac -d classes src/*.java && jar --create --file app.jar --main-class Main -C classes .

FROM jdk
ENV PATH=/usr/lib/jvm/default-java/bin:$PATH JAVA_OPTS=-Xmx64m
COPY --from=build /src/app.jar /app.jar
EXPOSE 8080
CMD exec java $JAVA_OPTS -jar /app.jar
`,
      'src/Main.java': `import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
public class Main {
  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
    server.createContext("/", exchange -> {
      byte[] body = "java".getBytes();
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
    server.start();
  }
}
`,
    },
    expects: { port: 8080, path: '/', answer: 'java' },
  },
  {
    name: 'nginx: a static site with a template of its config',
    bases: ['nginx'],
    files: {
      Dockerfile: `FROM nginx
COPY nginx.conf /etc/nginx/nginx.conf
COPY --chmod=644 html /usr/share/nginx/html
RUN echo 'www-data:x:33:33::/var/www:/usr/sbin/nologin' >> /etc/passwd && echo 'www-data:x:33:' >> /etc/group; \\
    mkdir -p /var/log/nginx /var/lib/nginx && ln -sf /dev/stdout /var/log/nginx/access.log && nginx -t
STOPSIGNAL SIGQUIT
EXPOSE 80
CMD ["nginx", "-g", "daemon off;"]
`,
      'nginx.conf':
        'events {}\nhttp {\n  server {\n    listen 80;\n    root /usr/share/nginx/html;\n    location = /health { return 200 "well\\n"; }\n  }\n}\n',
      'html/index.html': '<p>nginx</p>',
    },
    expects: { port: 80, path: '/', answer: '<p>nginx</p>' },
  },
  {
    name: 'postgres: initdb and init scripts at the first start',
    bases: ['postgres'],
    files: {
      Dockerfile: `FROM postgres
ENV PATH=/usr/lib/postgresql/15/bin:$PATH PGDATA=/var/lib/postgresql/data LANG=C
RUN set -eux; echo 'postgres:x:999:999::/var/lib/postgresql:/bin/sh' >> /etc/passwd; echo 'postgres:x:999:' >> /etc/group; \\
    install -d -m 700 -o 999 -g 999 "$PGDATA"; install -d -m 2775 -o 999 -g 999 /var/run/postgresql
COPY --chmod=755 entrypoint.sh /usr/local/bin/
COPY initdb/*.sql /docker-entrypoint-initdb.d/
VOLUME /var/lib/postgresql/data
USER postgres
STOPSIGNAL SIGINT
EXPOSE 5432
ENTRYPOINT ["entrypoint.sh"]
CMD ["postgres"]
`,
      'entrypoint.sh': `#!/bin/sh
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  initdb -U postgres --auth=trust > /dev/null
  pg_ctl -D "$PGDATA" -w -o '-c listen_addresses=' start > /dev/null
  for f in /docker-entrypoint-initdb.d/*.sql; do psql -qU postgres -v ON_ERROR_STOP=1 -f "$f"; done
  pg_ctl -D "$PGDATA" -w -m fast stop > /dev/null
fi
exec "$@"
`,
      'initdb/1-schema.sql': 'create table fruit (name text primary key);\n',
      'initdb/2-rows.sql': "insert into fruit values ('apple'), ('pear');\n",
    },
    expects: {
      command: [
        'psql',
        '-U',
        'postgres',
        '-h',
        '127.0.0.1',
        '-Atc',
        'select string_agg(name, $$,$$ order by name) from fruit',
      ],
      answer: 'apple,pear\n',
    },
  },
  {
    name: 'php: its own server, settings by an ini file',
    bases: ['php'],
    files: {
      Dockerfile: `FROM php AS base
ENV PATH=/opt/bin:$PATH
RUN mkdir -p /opt/bin && ln -s /usr/bin/php8.2 /opt/bin/php
FROM base AS lint
COPY public /app/public
RUN find /app/public -name '*.php' -exec php -l {} +
FROM base
COPY --from=lint /app /app
COPY <<EOF /app/php.ini
date.timezone = Europe/Madrid
EOF
WORKDIR /app
CMD ["php", "-c", "/app/php.ini", "-S", "0.0.0.0:8080", "-t", "public"]
`,
      'public/index.php': "<?php echo 'php in ', ini_get('date.timezone');",
    },
    expects: { port: 8080, path: '/', answer: 'php in Europe/Madrid' },
  },
  {
    name: 'ruby: a gem built and installed in one stage',
    bases: ['ruby'],
    files: {
      Dockerfile: `FROM ruby AS gems
WORKDIR /gem
COPY gem .
RUN gem build greet.gemspec && gem install --local --no-document --install-dir /gems greet-0.3.0.gem
FROM ruby
ENV GEM_PATH=/gems
COPY --from=gems /gems /gems
COPY app.rb /app.rb
CMD ["ruby", "/app.rb"]
`,
      'gem/greet.gemspec':
        "Gem::Specification.new { |s| s.name = 'greet'; s.version = '0.3.0'; s.summary = 'x'; s.authors = ['x']; s.files = ['lib/greet.rb'] }\n",
      'gem/lib/greet.rb': 'def greet(who) = "hello #{who}"\n',
      'app.rb': `require 'socket'
require 'greet'
server = TCPServer.new('0.0.0.0', 8080)
loop do
  client = server.accept
  client.gets
  body = greet('ruby')
  client.write "HTTP/1.1 200 OK\\r\\nContent-Length: #{body.length}\\r\\nConnection: close\\r\\n\\r\\n#{body}"
  client.close
end
`,
    },
    expects: { port: 8080, path: '/', answer: 'hello ruby' },
  },
  {
    name: 'C with make: a static program in an empty image',
    bases: ['gcc'],
    files: {
      Dockerfile: `FROM gcc AS build
WORKDIR /src
COPY Makefile *.c *.h ./
RUN make CC=gcc && make install DESTDIR=/out
FROM scratch
COPY --from=build /out/ /
ENTRYPOINT ["/bin/app"]
CMD ["world"]
`,
      Makefile:
        'app: main.c app.h\n\t$(CC) -static -o $@ main.c\ninstall: app\n\tmkdir -p $(DESTDIR)/bin && cp app $(DESTDIR)/bin/\n',
      'app.h': '#define GREETING "hello"\n',
      'main.c':
        '#include <stdio.h>\n#include "app.h"\nint main(int argc, char **argv) { printf("%s %s\\n", GREETING, argc > 1 ? argv[1] : "nobody"); return 0; }\n',
    },
    expects: { output: 'hello world\n' },
  },
];
