// Builds the viewer into dist, which `railyard review` serves; `npm run dev` asks a server at 127.0.0.1:8080.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { stamp } from "./stamp.ts";

export default defineConfig({
  plugins: [react(), stamp()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: ["chrome123", "firefox128", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    host: "127.0.0.1",
    fs: { allow: ["../.."] },
    proxy: {
      "^/(sessions|runs|health|views|analyze|token|docs|docs\\.css|openapi\\.json)($|[/?])":
        "http://127.0.0.1:8080",
    },
  },
  test: {
    environment: "node",
    include: ["src/**/*.test.{ts,tsx}"],
    pool: "threads",
    maxWorkers: 1,
  },
});
