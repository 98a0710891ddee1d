/**
 * `80`, `80/udp`, `8000-8010/tcp` of EXPOSE as `80/tcp` keys; undefined when it is none. An address and a port of the
 * host in front, as `docker run -p` takes them, mean nothing here.
 */
export function parseExposed(text: string): string[] | undefined {
  const match = /^(?:(?:[\d.]*|\[[\da-f:.]*\]):)?(?:[\d-]*:)?(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(
    text,
  );
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (first < 1 || last > 65_535 || last < first) return undefined;
  const protocol = (match[3] ?? 'tcp').toLowerCase();
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}
