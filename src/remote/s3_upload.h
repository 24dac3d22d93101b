/* Objects in parts at S3: what of a pnr_bucket_dialect is of them. See there for each. */
#ifndef PNR_REMOTE_S3_UPLOAD_H
#define PNR_REMOTE_S3_UPLOAD_H

#include "remote/bucket.h"

pnr_status pnr_s3_upload__find(pnr_bucket *bucket, pnr_bucket_large **larges, size_t count, pnr_error *err);
void pnr_s3_upload__list_parts(pnr_bucket_large *large, pnr_bucket_call *call);
pnr_status pnr_s3_upload__visit_part(void *page, const pnr_xml_event *event, pnr_error *err);
bool pnr_s3_upload__is_part(const pnr_bucket_part *part, const pnr_bucket_sum *sum);
void pnr_s3_upload__send_part(pnr_bucket_large *large, pnr_bucket_call *call, const pnr_bucket_sum *sum);
bool pnr_s3_upload__name_part(const pnr_bucket_call *call, pnr_bucket_part *part);
void pnr_s3_upload__complete(pnr_bucket_large *large, pnr_bucket_call *call, pnr_buffer *body);

#endif
