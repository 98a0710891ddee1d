import { renderTable, titled, type TableColumn } from './table.js';
import { parseTemplate } from './template/template.js';

export interface ListingColumn<Row> extends TableColumn {
  readonly cell: (row: Row) => string;
}

/** How the rows of a command can be shown. */
export interface Listing<Row extends object> {
  readonly rows: readonly Row[];
  readonly columns: readonly ListingColumn<Row>[];
  /** Cells of the terminal, where one shows it. */
  readonly fitTo?: number | undefined;
  readonly methods?: (row: Row) => Readonly<Record<string, (argument: string) => string>>;
}

/**
 * `table`, `json` (one object a line), `table TEMPLATE` or a Go template.
 * @throws `cli/bad-template`
 */
export function renderListing<Row extends object>(format: string, listing: Listing<Row>): string {
  const { rows, columns } = listing;
  if (format === 'table' || format === '') {
    return renderTable(
      columns,
      rows.map((row) => columns.map(({ cell }) => cell(row))),
      listing.fitTo,
    );
  }
  if (format === 'json') return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  const asTable = format.startsWith('table ');
  const source = asTable ? format.slice('table '.length) : format;
  const template = parseTemplate(source);
  const lines = rows.map((row) =>
    template.render({
      fields: Object.fromEntries(Object.entries(row)),
      ...(listing.methods && { methods: listing.methods(row) }),
    }),
  );
  if (!asTable) return lines.map((line) => `${line}\n`).join('');
  return renderTable(
    titled(template.header(headerOf).split('\t')),
    lines.map((line) => line.split('\t')),
  );
}

/** Titles that docker compose does not make of the field's name. */
const headers: Readonly<Record<string, string>> = {
  ID: 'CONTAINER ID',
  RunningFor: 'CREATED',
  CPUPerc: 'CPU %',
  MemPerc: 'MEM %',
  MemUsage: 'MEM USAGE / LIMIT',
  NetIO: 'NET I/O',
  BlockIO: 'BLOCK I/O',
  PIDs: 'PIDS',
};

/** `LocalVolumes` → `LOCAL VOLUMES` */
function headerOf(field: string): string {
  return headers[field] ?? field.replace(/([a-z])([A-Z])/g, '$1 $2').toUpperCase();
}
