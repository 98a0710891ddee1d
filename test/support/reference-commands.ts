/**
 * Commands and flags of docker compose 5.5, each flag as `name` or `name-x` with its one letter; '' has those before the
 * command. Left out: what only Docker Desktop has, `bridge`, `alpha`, and pages of commands that are gone.
 */
export const referenceCommands: Readonly<Record<string, string>> = {
  '': 'all-resources ansi compatibility dry-run env-file file-f insecure-registry no-ansi parallel profile progress project-directory project-name-p verbose version-v workdir',
  attach: 'detach-keys index no-stdin sig-proxy',
  build:
    'build-arg builder check compress force-rm memory-m no-cache no-rm parallel print progress provenance pull push quiet-q sbom ssh with-dependencies',
  commit: 'author-a change-c index message-m pause-p',
  config:
    'environment format hash images lock-image-digests models networks no-consistency no-env-resolution no-interpolate no-normalize no-path-resolution output-o profiles quiet-q resolve-image-digests services variables volumes',
  cp: 'all archive-a follow-link-L index',
  create: 'build force-recreate no-build no-recreate pull quiet-pull remove-orphans scale yes-y',
  down: 'remove-orphans rmi timeout-t volumes-v',
  events: 'json since until',
  exec: 'detach-d env-e index interactive-i no-tty-T privileged tty-t user-u workdir-w',
  export: 'index output-o',
  images: 'format quiet-q',
  kill: 'remove-orphans signal-s',
  logs: 'follow-f index no-color no-log-prefix since tail-n timestamps-t until',
  ls: 'all-a filter format quiet-q',
  pause: '',
  port: 'index protocol',
  ps: 'all-a filter format no-trunc orphans quiet-q services status',
  publish: 'app insecure-registry oci-version resolve-image-digests with-env yes-y',
  pull: 'ignore-buildable ignore-pull-failures include-deps no-parallel parallel policy quiet-q',
  push: 'ignore-push-failures include-deps quiet-q',
  restart: 'no-deps timeout-t',
  rm: 'all-a force-f stop-s volumes-v',
  run: 'build cap-add cap-drop detach-d entrypoint env-e env-from-file interactive-i label-l name no-deps no-tty-T publish-p pull quiet-q quiet-build quiet-pull remove-orphans rm service-ports-P tty-t use-aliases user-u volume-v workdir-w',
  scale: 'no-deps',
  start: 'wait wait-timeout',
  stats: 'all-a format no-stream no-trunc',
  stop: 'timeout-t',
  top: '',
  unpause: '',
  up: 'abort-on-container-exit abort-on-container-failure always-recreate-deps attach attach-dependencies build detach-d exit-code-from force-recreate menu no-attach no-build no-color no-deps no-log-prefix no-recreate no-start pull quiet-build quiet-pull remove-orphans renew-anon-volumes-V scale timeout-t timestamps wait wait-timeout watch-w yes-y',
  version: 'format-f short',
  volumes: 'format quiet-q',
  wait: 'down-project',
  watch: 'no-up prune quiet',
};
