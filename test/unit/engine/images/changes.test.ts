import { expect, test } from 'vitest';
import { applyChanges } from '../../../../src/engine/images/index.js';

test('instructions change the config as in a Dockerfile', () => {
  const config = applyChanges({ Env: ['PATH=/bin', 'A=old'], WorkingDir: '/srv' }, [
    'CMD ["sh", "-c", "true"]',
    'ENV A=new B="two words" C=a\\ b',
    'env OLD style value',
    'EXPOSE 80 53/udp 8000-8001',
    'LABEL one=1 "two words"=\'2 3\'',
    'VOLUME ["/data", "/with space"]',
    'VOLUME /a /b',
    'USER nobody',
    'WORKDIR app/../web',
    'STOPSIGNAL SIGINT',
    'ONBUILD RUN make',
    'HEALTHCHECK --interval=1m30s --retries=2 CMD curl -f localhost',
  ]);
  expect(config).toEqual({
    Cmd: ['sh', '-c', 'true'],
    Env: ['PATH=/bin', 'A=new', 'B=two words', 'C=a b', 'OLD=style value'],
    ExposedPorts: { '80/tcp': {}, '53/udp': {}, '8000/tcp': {}, '8001/tcp': {} },
    Labels: { one: '1', 'two words': '2 3' },
    Volumes: { '/data': {}, '/with space': {}, '/a': {}, '/b': {} },
    User: 'nobody',
    WorkingDir: '/srv/web',
    StopSignal: 'SIGINT',
    OnBuild: ['RUN make'],
    Healthcheck: { Interval: 90e9, Retries: 2, Test: ['CMD-SHELL', 'curl -f localhost'] },
  });
});

test('a command that is no list is given to the shell', () => {
  expect(applyChanges({}, ['CMD echo "hi"'])).toEqual({ Cmd: ['/bin/sh', '-c', 'echo "hi"'] });
  expect(applyChanges({}, ['SHELL ["bash", "-lc"]\nENTRYPOINT run me']).Entrypoint).toEqual(['bash', '-lc', 'run me']);
});

test('an entry point forgets the old command, but not one given beside it', () => {
  expect(applyChanges({ Cmd: ['old'] }, ['ENTRYPOINT ["new"]'])).toEqual({ Entrypoint: ['new'], Cmd: null });
  expect(applyChanges({ Cmd: ['old'] }, ['CMD ["a"]', 'ENTRYPOINT ["new"]']).Cmd).toEqual(['a']);
});

test.each([
  'RUN make',
  'COPY a b',
  'NONSENSE',
  'EXPOSE 99999',
  'ENV "open',
  'USER',
  'SHELL sh',
  'HEALTHCHECK --what=1 CMD x',
])('%s is refused', (change) => {
  expect(() => applyChanges({}, [change])).toThrow(expect.objectContaining({ code: 'image/invalid-change' }) as Error);
});
