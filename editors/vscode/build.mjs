// Bundles the extension, and copies what the package has from the rest of the repository.

import { copyFileSync } from 'node:fs';
import { build } from 'esbuild';

const root = new URL('../../', import.meta.url);
copyFileSync(new URL('LICENSE', root), 'LICENSE');
copyFileSync(new URL('lora_lint/knowledge/data/settings.schema.json', root), 'settings.schema.json');
await build({
    entryPoints: ['src/extension.ts'],
    outfile: 'dist/extension.js',
    bundle: true,
    minify: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['vscode'],
});
