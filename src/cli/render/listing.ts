import { TscomposeError } from '../../base/errors.js';
import { renderTable } from './table.js';
import { parseTemplate, templateFields } from './template.js';

/** How the rows of a command can be shown. */
export interface Listing<Row extends object> {
  readonly rows: readonly Row[];
  readonly columns: readonly { readonly title: string; readonly cell: (row: Row) => string }[];
  /** Cells of the terminal, where one shows it. */
  readonly fitTo?: number | undefined;
  readonly methods?: (row: Row) => Readonly<Record<string, (argument: string) => string>>;
}

/**
 * `table`, `json` (one object a line), `table TEMPLATE` or a Go template.
 * @throws `usage/invalid` for a format that is none of them, `cli/bad-template`
 */
export function renderListing<Row extends object>(format: string, listing: Listing<Row>): string {
  const { rows, columns } = listing;
  if (format === 'table' || format === '') {
    return renderTable(
      columns.map(({ title }) => title),
      rows.map((row) => columns.map(({ cell }) => cell(row))),
      listing.fitTo,
    );
  }
  if (format === 'json') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const asTable = format.startsWith('table ');
  const source = asTable ? format.slice('table '.length) : format;
  if (!source.includes('{{')) {
    const message = `--format: "${format}" is neither table nor json nor a template`;
    throw new TscomposeError({ code: 'usage/invalid', message, facts: { argument: '--format' } });
  }
  const template = parseTemplate(source);
  const lines = rows.map((row) =>
    template({
      fields: Object.fromEntries(Object.entries(row)),
      ...(listing.methods && { methods: listing.methods(row) }),
    }),
  );
  if (!asTable) return lines.map((line) => `${line}\n`).join('');
  return renderTable(
    templateFields(source).map(headerOf),
    lines.map((line) => line.split('\t')),
  );
}

/** `RunningFor` → `RUNNING FOR` */
function headerOf(field: string): string {
  return field.replace(/([a-z])([A-Z])/g, '$1 $2').toUpperCase();
}
