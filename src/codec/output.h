/*
 * The file that blocks go to, in order: as they are while nothing has shrunk,
 * and a gzip file from then on.
 */
#ifndef PNR_CODEC_OUTPUT_H
#define PNR_CODEC_OUTPUT_H

#include "base/flush.h"
#include "codec/encode.h"
#include "codec/hash.h"
#include "codec/join.h"

/** A block's content is put so far into its memory that its stored form can be made in place. */
#define PNR_BLOCK_GAP PNR_STORED_OVERHEAD(PNR_BLOCK_SIZE)

/** One block, ready to be written. */
typedef struct pnr_block {
	uint8_t *memory;      /**< PNR_BLOCK_GAP + PNR_BLOCK_SIZE bytes; the content starts after the gap */
	size_t length;        /**< of the content */
	uint8_t *packed;      /**< the content as a raw DEFLATE stream, with room for sealing */
	size_t packed_length; /**< 0: the block does not shrink */
	pnr_join join;        /**< of `packed` */
} pnr_block;

/** Initialise fd, name, hash, meter, asset and flush; the rest is zero. */
typedef struct pnr_output {
	int fd;           /**< an empty file, for reading and writing */
	const char *name; /**< of it, for messages */
	pnr_hash *hash;   /**< fresh; of the file's bytes, while it is a gzip file */
	pnr_meter *meter; /**< asked for cancellation during long moves; may be NULL */
	const char *asset;
	bool gzip;        /**< what the file is now; false: the content as it is */
	uint64_t size;    /**< bytes in the file */
	uint64_t head;    /**< of these, the gzip header */
	pnr_flush flush;  /**< of them to the disk; ended by pnr_output_finish, or by who gives up before */
	uint64_t content; /**< bytes of content in it */
	uint64_t blocks;
	uint64_t saved;   /**< what blocks would have saved, had they not been kept as they are */
} pnr_output;

/**
 * Write the next block; all but the last are of PNR_BLOCK_SIZE.
 *
 * @only   no block came before and none will follow: it is not made joinable.
 * @block  its memory is used up.
 * Errors: IO, FULL, NOMEM, CANCELLED.
 */
PNR_CHECKED pnr_status pnr_output_put(pnr_output *output, pnr_block *block, bool only, pnr_error *err);

/**
 * End the file after the last block.
 *
 * @content  of all blocks.
 * Errors: as pnr_output_put.
 */
PNR_CHECKED pnr_status pnr_output_finish(pnr_output *output, const pnr_content *content,
                                         pnr_encoding *out_encoding, pnr_error *err);

#endif
