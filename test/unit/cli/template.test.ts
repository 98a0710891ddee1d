import { describe, expect, test } from 'vitest';
import { renderListing } from '../../../src/cli/render/listing.js';
import { parseTemplate } from '../../../src/cli/render/template/template.js';

const data = {
  fields: {
    Name: 'web-1',
    Empty: '',
    Ports: [
      { Target: 80, Up: true },
      { Target: 90, Up: false },
    ],
    Code: 7,
  },
  methods: { Label: (key: string) => `<${key}>` },
};

describe('Go templates', () => {
  test.each([
    ['plain', 'plain'],
    ['{{.Name}}', 'web-1'],
    ['{{ .Name | upper }}\\t{{.Label "a.b"}}', 'WEB-1\t<a.b>'],
    ['{{json .Ports}}', '[{"Target":80,"Up":true},{"Target":90,"Up":false}]'],
    ['{{.Ports}} {{.Code}} {{.Empty}}|', '[{80 true} {90 false}] 7 |'],
    ['a {{- /* no */ -}} b', 'ab'],
    ['a {{- .Name -}}  \n b', 'aweb-1b'],
    ['{{"}}"}}{{`"`}}', '}}"'],
    ['{{if .Empty}}a{{else if eq .Code 7 8}}b{{else}}c{{end}}', 'b'],
    ['{{if and .Name .Empty}}a{{else}}c{{end}}', 'c'],
    ['{{or .Empty .Name}} {{not .Empty}}', 'web-1 true'],
    ['{{with .Name}}{{.}}{{end}}{{with .Empty}}{{.}}{{else}}none{{end}}', 'web-1none'],
    ['{{with $x := .Name}}{{$x}}{{end}}', 'web-1'],
    ['{{range .Ports}}{{.Target}},{{end}}', '80,90,'],
    ['{{range $i, $p := .Ports}}{{$i}}={{$p.Target}} {{$.Name}};{{end}}', '0=80 web-1;1=90 web-1;'],
    ['{{range .Empty | split "," | slice 1}}x{{else}}none{{end}}', undefined],
    ['{{range slice .Ports 2}}x{{else}}none{{end}}', 'none'],
    ['{{$x := 1}}{{range .Ports}}{{$x = .Target}}{{end}}{{$x}}', '90'],
    ['{{(index .Ports 1).Target}} {{len .Ports}} {{len .Name}}', '90 2 5'],
    ['{{slice .Name 1 3}} {{truncate .Name 3}} {{pad .Name 1 2}}|', 'eb web  web-1  |'],
    ['{{join (split .Name "-") "_"}} {{split .Name "-"}}', 'web_1 [web 1]'],
    [
      '{{printf "%-7s|%5d|%05d|%q|%v|%t|%x|%.2f|%%" .Name .Code 42 "a" .Code true 255 1.5}}',
      'web-1  |    7|00042|"a"|7|true|ff|1.50|%',
    ],
    ['{{.Name | printf "%s-%s" "a"}}', 'a-web-1'],
    ['{{printf "%d" .Name}} {{printf "%s"}}', '%!d(string=web-1) %!s(MISSING)'],
    ['{{print 1 2 "a" "b" 3}} {{println .Name}}', '1 2ab3 web-1\n'],
    ['{{lt 1 2}} {{ge .Code 8}} {{ne .Name "x"}} {{title "two words"}}', 'true false true Two Words'],
    ['{{html "<a>"}} {{urlquery "a b&c"}}', '&lt;a&gt; a+b%26c'],
  ])('%s', (source, expected) => {
    if (expected === undefined) expect(() => parseTemplate(source).render(data)).toThrow();
    else expect(parseTemplate(source).render(data)).toBe(expected);
  });

  test.each([
    '{{.Nonsense}}',
    '{{.Name',
    '{{frobnicate .Name}}',
    '{{if .Name}}',
    '{{end}}',
    '{{range .Name}}{{end}}',
    '{{.Name "x"}}',
    '{{$x}}',
    '{{index .Ports 5}}',
    '{{(.Name}}',
    '{{.Name | }}',
    '{{eq .Name 1}}',
    '{{"open}}',
  ])('%s is refused', (source) => {
    const refused = expect.objectContaining({ code: 'cli/bad-template' }) as Error;
    expect(() => parseTemplate(source).render(data)).toThrow(refused);
  });

  test('the header of a table is the template with titles for fields, whether or not there are rows', () => {
    const columns: [] = [];
    const rows = [{ Name: 'web-1', RunningFor: '2 days ago' }];
    const format = 'table a {{upper .Name}}:\\t{{.RunningFor}}\\t{{truncate .Name 3}}';
    expect(renderListing(format, { rows, columns })).toBe(
      'a NAME:    CREATED      NAME\na WEB-1:   2 days ago   web\n',
    );
    expect(renderListing(format, { rows: [], columns })).toBe('a NAME:   CREATED   NAME\n');
  });

  test('a column of labels has the end of their key for its title', () => {
    const format = 'table {{.Label "com.example.my-key"}}';
    expect(renderListing(format, { rows: [], columns: [] as [] })).toBe('my key\n');
  });
});
