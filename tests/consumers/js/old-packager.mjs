/*
 * usage: node old-packager.mjs DIR ZIP [--include-policies]
 *
 * Package the model in DIR in the manner of the packager that Pannier replaces:
 * JSZip, DEFLATE 9, folder entries, a manifest without packageHash, everything in
 * memory. Needs NODE_MODULES, the folder that tools/node-modules names.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';

const JSZip = createRequire(join(process.env.NODE_MODULES, 'x.js'))('jszip');
const [dir, target, policies] = process.argv.slice(2);
const config = JSON.parse(await readFile(join(dir, 'livecalc.config.json'), 'utf8'));
const local = (reference) => reference.replace(/^local:\/\//, '');

const sources = [['livecalc.config.json', 'livecalc.config.json', 'config'], [basename(config.model), config.model, 'model']];
for (const { engine } of config.pipeline.nodes) {
	const [scheme, name] = engine.split('://');
	if (scheme === 'python') {
		sources.push([`python/${name}.py`, `python/${name}.py`, 'python']);
		continue;
	}
	sources.push([`wasm/${name}.wasm`, `wasm/${name}.wasm`, 'wasm']);
	if (existsSync(join(dir, `wasm/${name}.mjs`)))
		sources.push([`wasm/${name}.mjs`, `wasm/${name}.mjs`, 'wasm']);
}
if (policies === '--include-policies')
	sources.push([`data/${basename(config.policies)}`, local(config.policies), 'policy']);
for (const role of ['mortality', 'lapse', 'expenses']) {
	const file = local(config.assumptions[role]);
	sources.push([`assumptions/${basename(file)}`, file, 'assumption']);
}

const zip = new JSZip();
const assets = [];
const contents = [];
for (const [relativePath, source, type] of sources) {
	const absolutePath = resolve(dir, source);
	const bytes = await readFile(absolutePath);
	const hash = createHash('sha256').update(bytes).digest('hex');
	assets.push({ relativePath, absolutePath, hash, size: bytes.length, type });
	contents.push([relativePath, bytes]);
}
zip.file('manifest.json', JSON.stringify({ version: '1.0', createdAt: new Date().toISOString(), assets, config }, null, 2));
for (const [relativePath, bytes] of contents)
	zip.file(relativePath, bytes);
await writeFile(target, await zip.generateAsync({ type: 'nodebuffer', compression: 'DEFLATE',
	compressionOptions: { level: 9 } }));
