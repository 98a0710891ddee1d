import { randomInt } from 'node:crypto';

const qualities =
  'able agile amber ample apt azure bold brave brisk calm candid clear clever cosy crisp deft eager fair fleet fond free fresh frank gentle glad grand happy hardy honest jolly keen kind light lively loyal lucid mellow merry mild neat nimble noble patient plain polite proud quick quiet ready rosy sage serene sharp silent sleek smart snug solid sound spry steady stout sunny swift tidy trim true vivid warm wise witty zesty';
const things =
  'acorn alder anchor anvil arch aspen badger barge beacon birch bison bramble brook canyon cedar clover cobalt comet coral crane creek cricket delta dune eagle ember falcon fern finch fjord flint forge fox garnet glade grove gull harbor hazel heron ivy jasper juniper kestrel lagoon lantern larch lark ledger lichen linden lynx maple marten meadow mesa moss oak opal osprey otter pebble pine plover quarry quartz raven reed ridge robin rowan sable shale sparrow spruce summit thistle tide tundra vale willow wren';

/** `quality_thing`, or with a number once that is likely to be taken. */
export function randomName(attempt: number): string {
  const pick = (words: string) => {
    const all = words.split(' ');
    return all[randomInt(all.length)] ?? '';
  };
  return `${pick(qualities)}_${pick(things)}${attempt < 3 ? '' : String(randomInt(10, 10_000))}`;
}
