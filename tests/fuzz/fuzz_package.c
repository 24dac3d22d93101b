/*
 * The text of a package and the pointer to it, as a remote may hold them. A text
 * that is read is whole in itself: every asset and every base has its object, no
 * chain is too long; and written again it is read as the same. A pointer is
 * written again as it was.
 */
#include "target.h"
#include "package/manifest_read.h"
#include "sync/package_object.h"
#include <string.h>

static void require_whole(const pnr_package_object *object)
{
	PNR_CLEANUP(pnr_manifest_cleanup) pnr_manifest *manifest = NULL;
	REQUIRE(pnr_manifest_read(object->manifest.data, object->manifest.length, &manifest, NULL) == PNR_OK);
	REQUIRE(manifest->has_package_hash && pnr_digest_equal(&manifest->package_hash, &object->package_hash));
	for (size_t i = 0; i < manifest->asset_count; i++) {
		const pnr_object_row *row = pnr_package_object_find(object, &manifest->assets[i].hash);
		REQUIRE(row != NULL && row->size == manifest->assets[i].size);
	}
	for (size_t i = 0; i < object->object_count; i++) {
		const pnr_object_row *row = &object->objects[i];
		char key[PNR_KEY_SIZE];
		REQUIRE(i == 0 || memcmp(&row[-1].hash, &row->hash, sizeof row->hash) < 0);
		REQUIRE(pnr_package_object_find(object, &row->hash) == row);
		REQUIRE(strlen(pnr_key_of_object(row, key)) < PNR_KEY_SIZE);
		for (unsigned depth = row->depth; depth > 0; depth--) {
			REQUIRE(row->form == PNR_OBJECT_PATCH && depth <= PNR_CHAIN_MAX && row->depth == depth);
			row = pnr_package_object_find(object, &row->base);
			REQUIRE(row != NULL);
		}
		REQUIRE(row->form != PNR_OBJECT_PATCH && row->depth == 0);
	}
}

static void require_same(const pnr_package_object *a)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object b = PNR_PACKAGE_OBJECT_INIT;
	REQUIRE(pnr_package_object_write(a, &text, NULL) == PNR_OK);
	REQUIRE(pnr_package_object_read(text.data, text.length, &b, NULL) == PNR_OK);
	REQUIRE(a->manifest.length == b.manifest.length);
	REQUIRE(memcmp(a->manifest.data, b.manifest.data, b.manifest.length) == 0);
	REQUIRE(pnr_digest_equal(&a->manifest_hash, &b.manifest_hash));
	REQUIRE(pnr_digest_equal(&a->archive_hash, &b.archive_hash) && a->archive_size == b.archive_size);
	REQUIRE(strcmp(a->name, b.name) == 0 && strcmp(a->archive_options, b.archive_options) == 0);
	REQUIRE(a->object_count == b.object_count);
	for (size_t i = 0; i < b.object_count; i++) {
		const pnr_object_row *x = &a->objects[i], *y = &b.objects[i];
		REQUIRE(pnr_digest_equal(&x->hash, &y->hash) && x->size == y->size && x->form == y->form);
		REQUIRE(x->depth == y->depth && pnr_digest_equal(&x->base, &y->base));
		REQUIRE(pnr_digest_equal(&x->stored_hash, &y->stored_hash) && x->stored_size == y->stored_size);
	}
}

static void read_pointer(const uint8_t *data, size_t size)
{
	PNR_CLEANUP(pnr_buffer_free) pnr_buffer text = PNR_BUFFER_INIT;
	pnr_object_row rows[PNR_TEXT_CHAIN_MAX + 1];
	pnr_text_chain chain = { .count = 0 };
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_text_chain_read((const char *)data, size, &chain, &err);
	REQUIRE(status == err.status);
	if (status != PNR_OK) {
		REQUIRE(status == PNR_CORRUPT || status == PNR_UNSUPPORTED);
		REQUIRE(chain.count == 0);
		return;
	}
	REQUIRE(chain.count > 0 && chain.count <= PNR_TEXT_CHAIN_MAX + 1);
	const pnr_package_object object = pnr_text_chain_objects(&chain, rows);
	for (size_t i = 0; i < chain.count; i++) {
		bool last = i + 1 == chain.count;
		REQUIRE(chain.rows[i].form == (last ? PNR_OBJECT_GZIP : PNR_OBJECT_PATCH));
		REQUIRE(chain.rows[i].depth == chain.count - 1 - i);
		REQUIRE(last || pnr_digest_equal(&chain.rows[i].base, &chain.rows[i + 1].hash));
		REQUIRE(pnr_package_object_find(&object, &chain.rows[i].hash) != NULL);
	}
	REQUIRE(pnr_text_chain_write(&chain, &text, NULL) == PNR_OK);
	REQUIRE(text.length == size && memcmp(text.data, data, size) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_pointer(data, size);
	PNR_CLEANUP(pnr_package_object_free) pnr_package_object object = PNR_PACKAGE_OBJECT_INIT;
	pnr_error err = PNR_ERROR_INIT;
	pnr_status status = pnr_package_object_read((const char *)data, size, &object, &err);
	REQUIRE(status == err.status);
	if (status != PNR_OK) {
		REQUIRE(status == PNR_CORRUPT || status == PNR_UNSUPPORTED);
		REQUIRE(object.objects == NULL && object.manifest.data == NULL);
		return 0;
	}
	require_whole(&object);
	require_same(&object);
	return 0;
}
