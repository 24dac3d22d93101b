#include "sync/presence.h"

pnr_presence_row pnr_presence_of_object(const pnr_object_row *object, int64_t confirmed_ms)
{
	return (pnr_presence_row){
		.hash = object->hash,
		.size = object->size,
		.form = pnr_object_form_name(object->form),
		.base = object->base,
		.depth = object->depth,
		.stored_hash = object->stored_hash,
		.stored_size = object->stored_size,
		.confirmed_ms = confirmed_ms,
	};
}

pnr_object_row pnr_object_of_presence(const pnr_presence_row *presence)
{
	pnr_object_row object = {
		.hash = presence->hash,
		.size = presence->size,
		.base = presence->base,
		.depth = presence->depth,
		.stored_hash = presence->stored_hash,
		.stored_size = presence->stored_size,
	};
	/* The index gives no other form. */
	(void)pnr_object_form_parse(presence->form, &object.form);
	return object;
}

pnr_status pnr_presence_learn(pnr_index *index, int64_t remote_id, const pnr_package_object *package, int64_t at_ms,
                              pnr_error *err)
{
	const pnr_remote_package_row row = {
		.package_hash = package->package_hash,
		.manifest_hash = package->manifest_hash,
		.archive_hash = package->archive_hash,
		.text_hash = package->texts.rows[0].hash,
		.name = package->name,
		.at_ms = at_ms,
	};
	pnr_status status = PNR_OK;
	for (size_t i = 0; i < package->object_count && status == PNR_OK; i++) {
		const pnr_presence_row presence = pnr_presence_of_object(&package->objects[i], at_ms);
		status = pnr_index_presence_put(index, remote_id, &presence, err);
	}
	for (size_t i = 0; i < package->texts.count && status == PNR_OK; i++) {
		const pnr_presence_row presence = pnr_presence_of_object(&package->texts.rows[i], at_ms);
		status = pnr_index_presence_put(index, remote_id, &presence, err);
	}
	return status == PNR_OK ? pnr_index_remote_package_put(index, remote_id, &row, err) : status;
}
