/*
 * usage: node worker.mjs BODY.json [--engines DIR]   what `pannier worker-json` printed
 *        node worker.mjs --folder DIR                the same from a model's folder
 *
 * Does with the body what the cloud worker does: engines by name, compiled, and
 * the asset hash. Prints "engines steps hash". With --engines they are also written
 * to DIR, for who runs them.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** No separators, names in order, references sorted: the worker's own rule. */
function assetHash({ config, engines, steps, references }) {
	const hash = createHash('sha256').update(JSON.stringify(config));
	for (const [name, bytes] of engines)
		hash.update(name).update(bytes);
	for (const [name, text] of steps)
		hash.update(name).update(text);
	return hash.update([...references].sort().join(',')).digest('hex');
}

async function fromBody(file) {
	const body = JSON.parse(await readFile(file, 'utf8'));
	assert.deepEqual(Object.keys(body).sort(), ['assumptionRefs', 'config', 'pythonScripts', 'wasmBinaries']);
	return {
		config: body.config,
		engines: new Map(Object.entries(body.wasmBinaries).map(([name, text]) => [name, Buffer.from(text, 'base64')])),
		steps: new Map(Object.entries(body.pythonScripts)),
		references: body.assumptionRefs,
	};
}

async function fromFolder(dir) {
	const config = JSON.parse(await readFile(join(dir, 'livecalc.config.json'), 'utf8'));
	const names = (scheme) => [...new Set(config.pipeline.nodes.map(({ engine }) => engine)
		.filter((engine) => engine.startsWith(scheme)).map((engine) => engine.slice(scheme.length)))];
	const load = (list, place, encoding) => Promise.all(list.map(async (name) =>
		[name, await readFile(join(dir, place(name)), encoding)]));
	return {
		config: config.pipeline,
		engines: new Map(await load(names('wasm://'), (name) => `wasm/${name}.wasm`)),
		steps: new Map(await load(names('python://'), (name) => `python/${name}.py`, 'utf8')),
		references: Object.values(config.assumptions).filter((text) => text.startsWith('assumptions://')),
	};
}

const [first, second, third] = process.argv.slice(2);
const job = first === '--folder' ? await fromFolder(second) : await fromBody(first);
for (const bytes of job.engines.values())
	assert.ok(WebAssembly.Module.exports(await WebAssembly.compile(bytes)).length > 0);
if (second === '--engines')
	for (const [name, bytes] of job.engines)
		await writeFile(join(third, `${name}.wasm`), bytes);
console.log([...job.engines.keys()].join(','), [...job.steps.keys()].join(','), assetHash(job));
