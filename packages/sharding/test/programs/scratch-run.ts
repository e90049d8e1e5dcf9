import { createWorld } from "@meshwright/core";
const w = await createWorld({ ranks: Number(process.argv[3] ?? 2) });
try {
  const r = await w.run(new URL(process.argv[2]!, import.meta.url));
  console.dir(r[0], { depth: 6, maxArrayLength: 20 });
  const j = JSON.stringify;
  for (const k of Object.keys(r[0] as object))
    for (const x of r) if (j((x as any)[k]) !== j((r[0] as any)[k])) console.log("DIFFERS", k, (x as any)[k]);
} finally {
  await w.close();
}
