// What the build was made of: dist/stamp.json holds one hash over the sources, which a test compares with them.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Plugin, version } from "vite";
import wanted from "./package.json" with { type: "json" };

/** Files elsewhere in the repository that sources import. */
const IMPORTED = ["../../src/railyard/board/review/accuracy.json"];
const LEFT_OUT = new Set(["dist", "node_modules"]);

/** Paths of all files below a folder, with `/` between their parts, without what is built, installed or hidden. */
function filesOf(folder: string, before = ""): string[] {
  return readdirSync(folder)
    .filter((name) => !LEFT_OUT.has(name) && !name.startsWith("."))
    .flatMap((name) => {
      const path = before + name;
      return statSync(join(folder, name)).isDirectory() ? filesOf(join(folder, name), `${path}/`) : [path];
    });
}

/** sha256 over `path NUL length NUL bytes` of each file, in the order of their paths. */
export function hashOf(folder: string): string {
  const hash = createHash("sha256");
  for (const path of [...IMPORTED, ...filesOf(folder)].sort()) {
    const bytes = readFileSync(join(folder, path));
    hash.update(`${path}\0${bytes.length}\0`);
    hash.update(bytes);
  }
  return hash.digest("hex");
}

export function stamp(): Plugin {
  let root = "";
  let outDir = "";
  return {
    name: "railyard-stamp",
    apply: "build",
    configResolved(config) {
      if (version !== wanted.devDependencies.vite)
        throw new Error("another Vite is installed: npm ci --ignore-scripts");
      root = config.root;
      outDir = join(config.root, config.build.outDir);
    },
    closeBundle() {
      writeFileSync(join(outDir, "stamp.json"), `${JSON.stringify({ sources: hashOf(root) })}\n`);
    },
  };
}
