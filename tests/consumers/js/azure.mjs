/*
 * usage: node azure.mjs PREFIX DIR
 *
 * Reads all below PREFIX in the container of AZURE_STORAGE_CONNECTION_STRING with Azure's own client, into DIR, and
 * checks that the content of each blob has the hash that its name says.
 */
import assert from 'node:assert/strict';
import { createHash, webcrypto } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/* Debian 12 has Node 18, where this has no global name yet; the client wants one. */
globalThis.crypto ??= webcrypto;
const require = createRequire(join(process.env.NODE_MODULES, 'package.json'));
const { BlobServiceClient } = require('@azure/storage-blob');

const [prefix, dir] = process.argv.slice(2);
const service = BlobServiceClient.fromConnectionString(process.env.AZURE_STORAGE_CONNECTION_STRING);
const container = service.getContainerClient(process.env.AZURE_CONTAINER);
const counts = { blobs: 0, others: 0, largest: 0 };

for await (const { name } of container.listBlobsFlat({ prefix: `${prefix}/` })) {
	const key = name.slice(prefix.length + 1);
	const bytes = await container.getBlockBlobClient(name).downloadToBuffer();
	const file = join(dir, key);
	await mkdir(dirname(file), { recursive: true });
	await writeFile(file, bytes);
	const blob = /^blobs\/(..)\/([0-9a-f]{64})(\.gz)?$/.exec(key);
	if (blob) {
		const hash = createHash('sha256').update(blob[3] ? gunzipSync(bytes) : bytes).digest('hex');
		assert.equal(hash, blob[2], key);
		assert.equal(hash.slice(0, 2), blob[1], key);
		counts.blobs++;
		counts.largest = Math.max(counts.largest, bytes.length);
	} else {
		counts.others++;
	}
}
console.log(`${counts.blobs} ${counts.others} ${counts.largest}`);
