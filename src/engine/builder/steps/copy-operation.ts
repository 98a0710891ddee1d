import { createReadStream, rmSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { type Digest, digestOf, hexOf, isDigest } from '../../../base/digest.js';
import { TscomposeError } from '../../../base/errors.js';
import { extractTar } from '../archive/extract.js';
import { isTarArchive } from '../archive/detect.js';
import { plainFileDigests } from '../context/file-digests.js';
import { ignoreNothing } from '../../../base/ignore-rules.js';
import { digestItems, select, type SelectedItem, type SourceTree, wholePath } from '../context/selection.js';
import type { InstructionOf } from '../dockerfile/ast.js';
import { RootDoor } from '../rootfs/door.js';
import { parseMode } from '../rootfs/mode.js';
import { type Owner, resolveOwner, root0 } from '../rootfs/owner.js';
import { withReadableRoot } from '../rootfs/readable.js';
import { type Destination, transfer } from '../rootfs/transfer.js';
import { withWritableRoot } from '../rootfs/writable.js';
import type { Operation, Outcome } from '../solver/operation.js';
import { epochKey, type StepDependencies } from './dependencies.js';
import { type MadeFiles, madeFilePath, madeFiles } from './made-files.js';
import type { RemoteFile } from './remote-file.js';
import '../errors.js';

export interface CopyFacts {
  readonly instruction: InstructionOf<'COPY'> | InstructionOf<'ADD'>;
  readonly base: Operation;
  /** Where `--from` copies from: what a stage or an image holds, or a directory of its own. */
  readonly from: Operation | SourceTree | undefined;
  /** Expanded. */
  readonly sources: readonly string[];
  readonly inlineFiles: readonly { readonly name: string; readonly content: string }[];
  readonly remoteFiles: readonly RemoteFile[];
  readonly destination: Destination;
  readonly chown: string | undefined;
  readonly chmod: string | undefined;
}

/** COPY and ADD. The outcome's detail names the content as Docker's history does: `file:<hex>`, `dir:…`, `multi:…`. */
export function copyOperation(dependencies: StepDependencies, facts: CopyFacts): Operation {
  const from = facts.from !== undefined && 'inputs' in facts.from ? facts.from : undefined;
  return {
    inputs: from === undefined ? [facts.base] : [facts.base, from],
    description: facts.instruction.text,
    key: async ([base, source], signal) => {
      const content = await contentKey(dependencies, facts, source, signal);
      const { inlineFiles, destination, chown, chmod, instruction } = facts;
      return digestOf(
        JSON.stringify([
          'copy/4',
          base?.chainId ?? null,
          instruction.keyword,
          content,
          inlineFiles,
          destination,
          chown ?? null,
          chmod ?? null,
          ...(instruction.keyword === 'ADD' && instruction.unpack !== undefined
            ? [{ unpack: instruction.unpack }]
            : []),
          ...epochKey(dependencies),
        ]),
      );
    },
    run: (outcomes, { signal }) => run(dependencies, facts, outcomes, signal),
  };
}

function localTree({ context }: StepDependencies, facts: CopyFacts): SourceTree {
  return facts.from !== undefined && 'root' in facts.from ? facts.from : context;
}

/** What the sources hold. For a layer chain, which never changes, the answer is remembered. */
async function contentKey(
  dependencies: StepDependencies,
  facts: CopyFacts,
  source: Outcome | undefined,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const request = selectionOf(facts);
  const remote = await Promise.all(facts.remoteFiles.map((file) => file.digest(signal)));
  if (request.patterns.length === 0) return remote;
  if (source === undefined) {
    const tree = localTree(dependencies, facts);
    return [...remote, await digestItems(tree, await select({ tree, ...request, signal }), signal)];
  }
  const { cache, layers } = dependencies;
  const question = digestOf(JSON.stringify(['content/2', source.chainId ?? null, request]));
  const known = cache.get(question)?.detail;
  if (known != null) return [...remote, known];
  const digest = await withReadableRoot(layers, source.chainId, async (root) => {
    const tree = snapshotTree(root);
    return await digestItems(tree, await select({ tree, ...request, signal }), signal);
  });
  await cache.put(
    question,
    { chainId: source.chainId, detail: digest },
    { description: `content of ${facts.sources.join(' ')}`, createdAt: new Date().toISOString() },
  );
  return [...remote, digest];
}

async function run(
  dependencies: StepDependencies,
  facts: CopyFacts,
  [base, source]: readonly Outcome[],
  signal: AbortSignal,
): Promise<Outcome> {
  const { layers } = dependencies;
  const request = selectionOf(facts);
  const change = facts.chmod === undefined ? undefined : parseMode(facts.chmod);

  const copyFrom = (tree: SourceTree): Promise<Outcome> =>
    withWritableRoot(dependencies, base?.chainId, async ({ root, seal }) => {
      const items = request.patterns.length === 0 ? [] : await select({ tree, ...request, signal });
      const remote = await Promise.all(facts.remoteFiles.map((file) => file.fetch(signal)));
      const inline =
        facts.inlineFiles.length === 0 ? undefined : await writeInline(dependencies, facts.inlineFiles, signal);
      checkDestination(facts, root, [items, ...remote.map((file) => file.items), inline?.items ?? []].flat());
      const owner = facts.chown === undefined ? undefined : resolveOwner(root, facts.chown);
      const target = {
        root,
        destination: facts.destination,
        createdOwner: owner ?? root0,
        ...(change === undefined ? {} : { mode: change }),
        signal,
      };
      const unpacksLocal = facts.instruction.keyword === 'ADD' && (facts.instruction.unpack ?? true);
      const unpacksRemote = facts.instruction.keyword === 'ADD' && (facts.instruction.unpack ?? false);
      const copyOrUnpack = async (from: SourceTree, all: readonly SelectedItem[], unpacks: boolean): Promise<void> => {
        const { archives, others } = unpacks ? await partitionArchives(from, all) : { archives: [], others: all };
        for (const item of archives) await unpack(from, item, { root, destination: facts.destination, owner, signal });
        const keeps = from.kind === 'snapshot' && owner === undefined;
        await transfer({ ...target, tree: from, items: others, owner: keeps ? 'keep' : (owner ?? root0) });
      };
      await copyOrUnpack(tree, items, unpacksLocal);
      for (const fetched of remote) await copyOrUnpack(fetched.tree, fetched.items, unpacksRemote);
      if (inline !== undefined) await transfer({ ...target, ...inline, owner: owner ?? root0 });

      const detail = await describeContent(tree, items, [...remote, ...(inline === undefined ? [] : [inline])], signal);
      const layer = await seal(signal);
      return { chainId: layer?.chainId ?? base?.chainId, detail };
    });

  if (source === undefined) return await copyFrom(localTree(dependencies, facts));
  return await withReadableRoot(layers, source.chainId, (root) => copyFrom(snapshotTree(root)));
}

function selectionOf({ sources, instruction }: CopyFacts): {
  patterns: readonly string[];
  exclude: readonly string[];
  parents: boolean;
} {
  return { patterns: sources, exclude: instruction.exclude, parents: instruction.parents };
}

function snapshotTree(root: string): SourceTree {
  return { root, kind: 'snapshot', ignore: ignoreNothing, digests: plainFileDigests };
}

/** Heredocs as files: 0644, root's. */
async function writeInline(
  { layers, defer }: StepDependencies,
  files: CopyFacts['inlineFiles'],
  signal: AbortSignal,
): Promise<MadeFiles> {
  const root = await layers.scratch();
  defer(() => rmSync(root, { recursive: true, force: true }));
  for (const [index, { content }] of files.entries()) {
    const path = madeFilePath(root, index);
    await writeFile(path, content);
    await chmod(path, 0o644);
  }
  const names = files.map(({ name }) => name);
  return await madeFiles(root, names, signal);
}

/**
 * Several files, where the destination is no directory, would each replace the one before. BuildKit lets them.
 * @throws `build/bad-copy` in the classic builder's words
 */
function checkDestination({ instruction, destination }: CopyFacts, root: string, items: readonly SelectedItem[]): void {
  if (items.length < 2 || destination.isDirectory || instruction.parents) return;
  if (items.some((item) => item.isDirectory)) return;
  const door = new RootDoor(root, (path) => new Error(`bug: ${path} is only looked at`));
  if (door.find(destination.path).stats?.isDirectory() === true) return;
  throw new TscomposeError({
    code: 'build/bad-copy',
    message: `When using ${instruction.keyword} with more than one source file, the destination must be a directory and end with a /`,
    facts: { destination: destination.path },
    at: instruction.at,
  });
}

async function partitionArchives(
  tree: SourceTree,
  items: readonly SelectedItem[],
): Promise<{ archives: SelectedItem[]; others: SelectedItem[] }> {
  const archives: SelectedItem[] = [];
  const others: SelectedItem[] = [];
  for (const item of items) {
    const [entry] = item.entries;
    const unpacks = entry?.type === 'file' && (await isTarArchive(wholePath(tree, item, entry)));
    (unpacks ? archives : others).push(item);
  }
  return { archives, others };
}

interface Unpacking {
  readonly root: string;
  readonly destination: Destination;
  /** `--chown`: of the directories on the way; what is in the archive is whose it says. */
  readonly owner: Owner | undefined;
  readonly signal: AbortSignal;
}

async function unpack(
  tree: SourceTree,
  item: SelectedItem,
  { root, destination, owner, signal }: Unpacking,
): Promise<void> {
  const [entry] = item.entries;
  if (entry === undefined) return;
  const directory = { ...item, isDirectory: true, entries: [{ ...entry, type: 'directory' as const }] };
  const empty = { ...tree, kind: 'context' as const };
  // An empty directory copied there makes what is missing on the way.
  await transfer({
    tree: empty,
    items: [directory],
    root,
    destination,
    owner: root0,
    createdOwner: owner ?? root0,
    signal,
  });
  const source = createReadStream(wholePath(tree, item, entry), { highWaterMark: 1 << 18 });
  await extractTar(source, { root, destination: destination.path, keep: 'all', signal });
}

async function describeContent(
  tree: SourceTree,
  items: readonly SelectedItem[],
  more: readonly { readonly tree: SourceTree; readonly items: readonly SelectedItem[] }[],
  signal: AbortSignal,
): Promise<string> {
  const groups = [{ tree, items }, ...more].filter((group) => group.items.length > 0);
  const digests: Digest[] = [];
  for (const group of groups) digests.push(await digestItems(group.tree, group.items, signal));
  const all = groups.flatMap((group) => group.items);
  const [first] = all;
  const kind = all.length !== 1 ? 'multi' : first?.isDirectory === true ? 'dir' : 'file';
  const [only] = digests;
  const digest = digests.length === 1 && only !== undefined && isDigest(only) ? only : digestOf(digests.join(' '));
  return `${kind}:${hexOf(digest)}`;
}
