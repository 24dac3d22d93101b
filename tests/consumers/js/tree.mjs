/*
 * usage: node tree.mjs extract ZIP DIR    unpack ZIP with JSZip, CRCs checked
 *        node tree.mjs check DIR          compare the files of an unpacked package with its manifest
 *
 * `extract` needs NODE_MODULES, the folder that tools/node-modules names.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

async function extract(zip, dir) {
	const JSZip = createRequire(join(process.env.NODE_MODULES, 'x.js'))('jszip');
	const archive = await JSZip.loadAsync(await readFile(zip), { checkCRC32: true });
	for (const entry of Object.values(archive.files).filter((file) => !file.dir)) {
		await mkdir(join(dir, dirname(entry.name)), { recursive: true });
		await writeFile(join(dir, entry.name), await entry.async('nodebuffer'));
	}
}

async function files(dir) {
	const found = await readdir(dir, { withFileTypes: true });
	const lists = await Promise.all(found.map((entry) => entry.isDirectory()
		? files(join(dir, entry.name)) : [join(dir, entry.name)]));
	return lists.flat();
}

async function check(dir) {
	const manifest = JSON.parse(await readFile(join(dir, 'manifest.json'), 'utf8'));
	assert.equal(manifest.version, '1.0');
	const onDisk = (await files(dir)).map((file) => relative(dir, file)).filter((file) => file !== 'manifest.json');
	assert.deepEqual(onDisk.sort(), manifest.assets.map((asset) => asset.relativePath).sort());
	for (const { relativePath, hash, size } of manifest.assets) {
		const bytes = await readFile(join(dir, relativePath));
		assert.equal(bytes.length, size, relativePath);
		assert.equal(createHash('sha256').update(bytes).digest('hex'), hash, relativePath);
	}
	assert.deepEqual(manifest.config, JSON.parse(await readFile(join(dir, 'livecalc.config.json'), 'utf8')));
}

const [command, ...rest] = process.argv.slice(2);
await { extract, check }[command](...rest);
