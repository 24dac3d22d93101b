/* What the scan accepts and what it refuses. Every hostile zip is a good one, changed in one place. */
#include "support.h"
#include "zip/scan.h"
#include <stdio.h>

typedef void (*change)(recipe *r);

/* A good recipe, changed before it is laid out (sizes follow) and after (they do not). */
static void make(change before, change after, pnr_buffer *out)
{
	recipe r = good_recipe();
	if (before != NULL)
		before(&r);
	lay_out(&r);
	if (after != NULL)
		after(&r);
	cook(&r, out);
}

static void name_both(part *p, const char *name, size_t length)
{
	p->local.name = p->central.name = name;
	p->local.name_length = p->central.name_length = length;
}

static void extra_both(part *p, const char *extra, size_t length)
{
	p->local.extra = p->central.extra = extra;
	p->local.extra_length = p->central.extra_length = length;
}

/* Size, CRC and attributes of a folder. */
static void make_folder(part *p, const char *name)
{
	name_both(p, name, strlen(name));
	p->central.attributes = 040755u << 16 | 0x10;
}

/* ------------------------------------------------------- what is accepted -- */

static void nothing(recipe *r) { (void)r; }
static void no_entries(recipe *r) { r->count = 0; }
static void folder_by_unix(recipe *r) { make_folder(&r->parts[2], "data/"); }

/* JSZip: made by DOS 2.0, folders are entries. */
static void folder_by_jszip(recipe *r)
{
	make_folder(&r->parts[2], "wasm/");
	r->parts[2].central.made_by = 0x0014;
	r->parts[2].central.attributes = 0x10;
}

/* JSZip repeats each non-ASCII name in an Info-ZIP Unicode path field. */
static void unicode_path(recipe *r)
{
	static char extra[4 + 5 + 3] = "up\x08\x00\x01";
	static const char name[] = "\xc3\xa4" "b";
	uint32_t crc = crc_of(name, 3);
	for (int i = 0; i < 4; i++)
		extra[5 + i] = (char)(unsigned char)(crc >> (8 * i) & 0xff);
	memcpy(extra + 9, name, 3);
	name_both(&r->parts[0], name, 3);
	extra_both(&r->parts[0], extra, sizeof extra);
	r->parts[0].local.flags = r->parts[0].central.flags = 0x800;
}

/* bsdtar and others without the UTF-8 flag. */
static void utf8_without_flag(recipe *r) { name_both(&r->parts[0], "gr\xc3\xb6\xc3\x9f" "e", 7); }

/* Info-ZIP: times and owners, shorter in the central directory. */
static void info_zip_extras(recipe *r)
{
	part *p = &r->parts[0];
	p->local.extra = "UT\x09\x00\x03\x01\x02\x03\x04\x05\x06\x07\x08ux\x0b\x00\x01\x04\xe8\x03\x00\x00\x04\xe8\x03\x00\x00";
	p->local.extra_length = 28;
	p->central.extra = "UT\x05\x00\x03\x01\x02\x03\x04";
	p->central.extra_length = 9;
}

/* Streaming writers: nothing in the local header, a descriptor behind the body. */
static void stream(recipe *r, const char *descriptor, size_t length)
{
	part *p = &r->parts[0];
	p->local.flags = p->central.flags = 8;
	p->local.crc = p->local.size = p->local.body_size = 0;
	p->after = descriptor;
	p->after_length = length;
}

/* The descriptor of part 0: CRC and sizes (3 and 3), @wide or not, with its signature or without. */
static void descriptor(recipe *r, bool signature, bool wide)
{
	static char text[24];
	pnr_buffer out = PNR_BUFFER_INIT;
	if (signature)
		put(&out, 0x08074b50, 4);
	put(&out, r->parts[0].central.crc, 4);
	put(&out, 3, wide ? 8 : 4);
	put(&out, 3, wide ? 8 : 4);
	memcpy(text, out.data, out.length);
	stream(r, text, out.length);
	pnr_buffer_free(&out);
}

static void descriptor_12(recipe *r) { descriptor(r, false, false); }
static void descriptor_16(recipe *r) { descriptor(r, true, false); }
static void descriptor_20(recipe *r) { descriptor(r, false, true); }
static void descriptor_24(recipe *r) { descriptor(r, true, true); }

/* Some write the sizes in both places (Info-ZIP when it could seek after all). */
static void descriptor_and_sizes(recipe *r)
{
	descriptor_16(r);
	r->parts[0].local.crc = r->parts[0].central.crc;
	r->parts[0].local.size = r->parts[0].local.body_size = 3;
}

/* Python with force_zip64, streaming: a wide local header that says nothing. */
static void wide_local_stream(recipe *r)
{
	descriptor_24(r);
	r->parts[0].local.size = r->parts[0].local.body_size = UINT32_MAX;
	r->parts[0].local.extra = "\x01\x00\x10\x00\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	r->parts[0].local.extra_length = 20;
}

/* Python before 3.11.4 with force_zip64: the sizes do not say that the field is there. */
static void wide_local_stream_unsaid(recipe *r)
{
	wide_local_stream(r);
	r->parts[0].local.size = r->parts[0].local.body_size = 0;
}
static void wide_local_unsaid(recipe *r)
{
	r->parts[0].local.extra = "\x01\x00\x10\x00\3\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0";
	r->parts[0].local.extra_length = 20;
}

/* Python with force_zip64: wide although it need not be. */
static void wide_local(recipe *r)
{
	r->parts[0].local.size = r->parts[0].local.body_size = UINT32_MAX;
	r->parts[0].local.extra = "\x01\x00\x10\x00\3\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0";
	r->parts[0].local.extra_length = 20;
}

static void wide_central(recipe *r)
{
	r->parts[0].central.size = UINT32_MAX;
	r->parts[0].central.extra = "\x01\x00\x08\x00\3\0\0\0\0\0\0\0";
	r->parts[0].central.extra_length = 12;
}

static void with_end64(recipe *r) { r->end64.present = true; }

static void end64_only(recipe *r)
{
	r->end.here = r->end.count = UINT16_MAX;
	r->end.size = r->end.offset = UINT32_MAX;
	r->end.disk = r->end.start_disk = UINT16_MAX;
}

static void directory_in_another_order(recipe *r) { r->reversed = true; }
static void entry_comments(recipe *r) { r->parts[1].central.comment = "a remark"; }
static void no_unix_mode(recipe *r) { r->parts[0].central.attributes = 0x20; }

/* A stored zip inside, close to the end; an empty one is one end record only. */
static void zip_within(recipe *r)
{
	static const char empty[] = "PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	part *p = &r->parts[2];
	p->body = empty;
	p->body_length = 22;
	p->local.crc = p->central.crc = crc_of(empty, 22);
	p->local.size = p->central.size = p->local.body_size = p->central.body_size = 22;
}

/* The same beside an entry that libzip's own comparison would call inconsistent: it must not be tempted by the inner zip. */
static void zip_within_loose_zip(recipe *r)
{
	zip_within(r);
	descriptor_16(r);
	r->parts[0].local.size = 3;
}

static void zips_of_every_writer_are_accepted(void **state)
{
	static const struct {
		change before, after;
	} cases[] = {
		{ nothing, NULL },
		{ no_entries, NULL },
		{ folder_by_unix, NULL },
		{ folder_by_jszip, NULL },
		{ unicode_path, NULL },
		{ utf8_without_flag, NULL },
		{ info_zip_extras, NULL },
		{ descriptor_12, NULL },
		{ descriptor_16, NULL },
		{ descriptor_20, NULL },
		{ descriptor_24, NULL },
		{ descriptor_and_sizes, NULL },
		{ wide_local, NULL },
		{ wide_local_stream, NULL },
		{ wide_local_stream_unsaid, NULL },
		{ wide_local_unsaid, NULL },
		{ wide_central, NULL },
		{ with_end64, NULL },
		{ with_end64, end64_only },
		{ directory_in_another_order, NULL },
		{ entry_comments, NULL },
		{ no_unix_mode, NULL },
		{ zip_within, NULL },
		{ zip_within_loose_zip, NULL },
	};
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(cases); i++) {
		pnr_buffer bytes = PNR_BUFFER_INIT;
		pnr_zip_reader *reader = NULL;
		pnr_error err = PNR_ERROR_INIT;
		int fd = -1;
		make(cases[i].before, cases[i].after, &bytes);
		pnr_status status = open_bytes(&bytes, &fd, &reader, &err);
		if (status == PNR_OK)
			status = read_all(reader, &err);
		if (status != PNR_OK)
			fail_msg("case %zu: %s", i, err.message);
		assert_int_equal(pnr_zip_reader_count(reader), cases[i].before == no_entries ? 0 : 3);
		pnr_zip_reader_close(reader);
		close(fd);
		pnr_buffer_free(&bytes);
	}
}

/* -------------------------------------------------------- what is refused -- */

static void leading(recipe *r) { r->front = "#!/bin/sh\n"; }
static void leading_unadjusted(recipe *r)
{
	/* what a self-extractor stub put in front of a finished zip looks like */
	r->front = "MZ stub";
}
static void shift_back(recipe *r)
{
	for (size_t i = 0; i < r->count; i++)
		r->parts[i].central.offset -= 7;
	r->end.offset -= 7;
}
static void trailing(recipe *r) { r->back = "<script>"; }
static void trailing_zip(recipe *r) { r->back = "PK\5\6 no record"; }
static void comment(recipe *r)
{
	r->end.comment = "a comment";
	r->end.comment_length = 9;
}
static void comment_cut(recipe *r) { r->end.comment_length = 9; }
static void comment_and_more(recipe *r)
{
	comment(r);
	r->back = "??";
}
static void no_end(recipe *r)
{
	static char text[64];
	r->count = 0;
	memset(text, 'x', sizeof text - 1);
	r->back = text;
	r->end.comment_length = UINT16_MAX;
}
static void gap_before_directory(recipe *r) { r->gap = "hidden"; }
static void gap_after_directory(recipe *r) { r->gap64 = "hidden"; }
static void gap_after_body(recipe *r)
{
	r->parts[0].after = "hidden";
	r->parts[0].after_length = 6;
}
static void overlapping(recipe *r) { r->parts[1].central.offset = 20; }
static void same_place(recipe *r)
{
	r->parts[1].central.offset = r->parts[0].central.offset;
}
static void body_too_long(recipe *r)
{
	/* the first body swallows the second entry: a "zip of overlapping files" */
	part *p = &r->parts[0];
	p->local.body_size = p->central.body_size = p->local.size = p->central.size = 50;
}
static void body_beyond_file(recipe *r)
{
	part *p = &r->parts[0];
	p->local.body_size = p->central.body_size = p->local.size = p->central.size = 1000000;
}
static void offset_beyond(recipe *r) { r->parts[2].central.offset = r->end.offset + 10; }
static void offset_in_front_of_directory(recipe *r) { r->parts[2].central.offset = r->end.offset - 8; }
static void no_local(recipe *r) { r->parts[1].local.signature = 0x04034b51; }
static void local_name(recipe *r) { r->parts[1].local.name = "wasm/b.wasm"; }
static void local_name_shorter(recipe *r) { r->parts[1].local.name_length = 6; }
static void local_method(recipe *r) { r->parts[1].local.method = 0; }
static void local_flags(recipe *r) { r->parts[1].local.flags = 0x800; }
static void local_encrypted(recipe *r) { r->parts[1].local.flags = 1; }
static void local_time(recipe *r) { r->parts[1].local.time++; }
static void local_crc(recipe *r) { r->parts[1].local.crc++; }
static void local_crc_zero(recipe *r) { r->parts[1].local.crc = 0; }
static void local_size(recipe *r) { r->parts[1].local.size++; }
static void local_body_size(recipe *r) { r->parts[1].local.body_size--; }
static void descriptor_lies(recipe *r)
{
	descriptor_16(r);
	r->parts[0].central.crc ^= 1;
}
static void descriptor_missing(recipe *r) { stream(r, "", 0); }
static void descriptor_odd(recipe *r) { stream(r, "12345678901234", 14); }
static void descriptor_unsigned(recipe *r)
{
	descriptor_16(r);
	r->parts[0].after = "0123456789abcdef";
}
static void descriptor_stale(recipe *r)
{
	descriptor_16(r);
	r->parts[0].local.size = 2;
}
static void encrypted(recipe *r) { r->parts[1].local.flags = r->parts[1].central.flags = 1; }
static void strongly_encrypted(recipe *r) { r->parts[1].local.flags = r->parts[1].central.flags = 0x41; }
static void masked(recipe *r) { r->parts[1].local.flags = r->parts[1].central.flags = 0x2000; }
static void patched(recipe *r) { r->parts[1].local.flags = r->parts[1].central.flags = 0x20; }
static void method_lzma(recipe *r) { r->parts[1].local.method = r->parts[1].central.method = 14; }
static void method_deflate64(recipe *r) { r->parts[1].local.method = r->parts[1].central.method = 9; }
static void disk_in_entry(recipe *r) { r->parts[1].central.disk = 1; }
static void disk_in_end(recipe *r) { r->end.disk = 1; }
static void disk_of_start(recipe *r) { r->end.start_disk = 1; }
static void count_here(recipe *r) { r->end.here = 2; }
static void symlink_entry(recipe *r) { r->parts[0].central.attributes = 0120777u << 16; }
static void symlink_by_dos(recipe *r)
{
	symlink_entry(r);
	r->parts[0].central.made_by = 20;
}
static void fifo(recipe *r) { r->parts[0].central.attributes = 010644u << 16; }
static void device(recipe *r) { r->parts[0].central.attributes = 020644u << 16; }
static void folder_mode_of_file(recipe *r) { r->parts[0].central.attributes = 040755u << 16; }
static void folder_bit_of_file(recipe *r) { r->parts[0].central.attributes = 0x10; }
static void file_mode_of_folder(recipe *r) { name_both(&r->parts[2], "data/", 5); }
static void folder_with_content(recipe *r) { make_folder(&r->parts[0], "data/"); }
static void duplicate(recipe *r) { name_both(&r->parts[2], "manifest.json", 13); }
static void name_empty(recipe *r) { name_both(&r->parts[2], "", 0); }
static void name_nul(recipe *r) { name_both(&r->parts[2], "a\0b", 3); }
static void name_control(recipe *r) { name_both(&r->parts[2], "a\x1b[31mb", 7); }
static void name_latin1(recipe *r) { name_both(&r->parts[2], "gr\xf6\xdf" "e", 5); }
static void name_overlong(recipe *r) { name_both(&r->parts[2], "a\xc0\xaf" "b", 4); }
static void second_name(recipe *r)
{
	unicode_path(r);
	r->parts[0].local.name = r->parts[0].central.name = "xyz";
}
static void bomb(recipe *r) { r->parts[1].local.size = r->parts[1].central.size = 11 * 1032 + 1032; }
static void stored_sizes_differ(recipe *r) { r->parts[0].local.size = r->parts[0].central.size = 4; }
static void wide_without_field(recipe *r)
{
	r->parts[1].local.size = r->parts[1].central.size = UINT32_MAX;
}
static void wide_field_too_short(recipe *r)
{
	r->parts[0].central.size = r->parts[0].central.body_size = UINT32_MAX;
	r->parts[0].central.extra = "\x01\x00\x08\x00\3\0\0\0\0\0\0\0";
	r->parts[0].central.extra_length = 12;
}
static void wide_field_unneeded(recipe *r)
{
	r->parts[0].central.extra = "\x01\x00\x08\x00\4\0\0\0\0\0\0\0";
	r->parts[0].central.extra_length = 12;
}
static void wide_field_twice(recipe *r)
{
	r->parts[0].central.size = UINT32_MAX;
	r->parts[0].central.extra = "\x01\x00\x08\x00\3\0\0\0\0\0\0\0\x01\x00\x08\x00\5\0\0\0\0\0\0\0";
	r->parts[0].central.extra_length = 24;
}
static void wide_field_huge(recipe *r)
{
	r->parts[0].central.size = UINT32_MAX;
	r->parts[0].central.extra = "\x01\x00\x08\x00\377\377\377\377\377\377\377\377";
	r->parts[0].central.extra_length = 12;
}
static void wide_field_lies(recipe *r)
{
	wide_central(r);
	r->parts[0].central.extra = "\x01\x00\x08\x00\4\0\0\0\0\0\0\0";
}
static void wide_offset_lies(recipe *r)
{
	r->parts[0].central.offset = UINT32_MAX;
}
static void wide_offset_field(recipe *r)
{
	r->parts[0].central.extra = "\x01\x00\x08\x00\377\377\0\0\0\0\0\0";
	r->parts[0].central.extra_length = 12;
}
static void wide_local_lies(recipe *r)
{
	wide_local(r);
	r->parts[0].local.extra = "\x01\x00\x10\x00\4\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0";
}
static void wide_local_unsaid_lies(recipe *r)
{
	wide_local_unsaid(r);
	r->parts[0].local.extra = "\x01\x00\x10\x00\3\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0";
}
static void wide_local_unsaid_hides(recipe *r)
{
	wide_local_unsaid(r);
	r->parts[0].local.size = 2;
}
static void wide_local_half(recipe *r)
{
	wide_local(r);
	r->parts[0].local.extra = "\x01\x00\x08\x00\3\0\0\0\0\0\0\0";
	r->parts[0].local.extra_length = 12;
}
static void extra_cut(recipe *r) { extra_both(&r->parts[0], "UT\x05\x00\x03", 5); }
static void extra_stub(recipe *r) { extra_both(&r->parts[0], "UT\x00", 3); }
static void long_comment(recipe *r)
{
	r->parts[1].central.comment = "long enough that the directory has room for a fourth header";
}
static void count_more(recipe *r) { r->end.here = r->end.count = 4; }
static void count_fewer(recipe *r) { r->end.here = r->end.count = 2; }
static void count_absurd(recipe *r) { r->end.here = r->end.count = 60000; }
static void directory_moved(recipe *r) { r->end.offset += 4; }
static void directory_longer(recipe *r) { r->end.size += 1; }
static void directory_shorter(recipe *r) { r->end.size -= 1; }
static void directory_junk(recipe *r) { r->parts[1].central.signature = 0x05054b50; }
static void end64_moved(recipe *r) { r->end64.locator_offset -= 1; }
static void end64_size(recipe *r) { r->end64.record_size = 60; }
static void end64_count(recipe *r)
{
	r->end64.here = r->end64.count = 2;
}
static void end64_offset(recipe *r) { r->end64.offset += 1; }
static void end64_directory_size(recipe *r) { r->end64.size -= 1; }
static void end64_disks(recipe *r) { r->end64.disks = 2; }
static void end64_disk(recipe *r) { r->end64.disk = 1; }
static void end64_here(recipe *r)
{
	end64_only(r);
	r->end64.here = 2;
}
static void end64_huge(recipe *r)
{
	end64_only(r);
	r->end64.offset = UINT64_MAX - 10;
}
static void end64_huge_count(recipe *r)
{
	end64_only(r);
	r->end64.here = r->end64.count = UINT64_MAX;
}
static void end64_huge_locator(recipe *r) { r->end64.locator_offset = UINT64_MAX; }

static const struct {
	const char *name;
	change before, after;
	pnr_status status;
	const char *message; /* part of it */
} hostile[] = {
	{ "data in front", leading, NULL, PNR_CORRUPT, "10 bytes lie in front of the first entry" },
	{ "data in front, offsets not adjusted", leading_unadjusted, shift_back, PNR_CORRUPT, "7 bytes lie in front" },
	{ "trailing data", trailing, NULL, PNR_CORRUPT, "trailing data: 8 bytes" },
	{ "trailing data with a signature", trailing_zip, NULL, PNR_CORRUPT, "trailing data: 14 bytes" },
	{ "an archive comment", comment, NULL, PNR_CORRUPT, "archive comment of 9 bytes" },
	{ "a comment cut short", comment_cut, NULL, PNR_CORRUPT, "cut short" },
	{ "trailing data behind a comment", comment_and_more, NULL, PNR_CORRUPT, "trailing data: 2 bytes" },
	{ "no end record", NULL, no_end, PNR_CORRUPT, "cut short" },
	{ "gap in front of the directory", gap_before_directory, NULL, PNR_CORRUPT, "gap: 6 bytes" },
	{ "gap behind the directory", gap_after_directory, NULL, PNR_CORRUPT, "6 bytes lie" },
	{ "gap behind a body", gap_after_body, NULL, PNR_CORRUPT, "gap: 6 bytes" },
	{ "headers that overlap", NULL, overlapping, PNR_CORRUPT, "'manifest.json': its local header overlaps" },
	{ "two entries in one place", NULL, same_place, PNR_CORRUPT, "overlaps" },
	{ "a body over the next entry", NULL, body_too_long, PNR_CORRUPT, "its body overlaps" },
	{ "a body larger than the file", NULL, body_beyond_file, PNR_CORRUPT, "larger than the file" },
	{ "an offset behind the directory", NULL, offset_beyond, PNR_CORRUPT, "behind the central directory" },
	{ "an offset right before it", NULL, offset_in_front_of_directory, PNR_CORRUPT, "a gap: 32 bytes" },
	{ "no local header", no_local, NULL, PNR_CORRUPT, "no local header at 46" },
	{ "another local name", local_name, NULL, PNR_CORRUPT, "disagree on its name" },
	{ "a shorter local name", local_name_shorter, NULL, PNR_CORRUPT, "disagree on its name" },
	{ "another local method", local_method, NULL, PNR_CORRUPT, "disagree on its method" },
	{ "other local flags", local_flags, NULL, PNR_CORRUPT, "disagree on its flags" },
	{ "encrypted by the local header", local_encrypted, NULL, PNR_CORRUPT, "disagree on its flags" },
	{ "another local time", local_time, NULL, PNR_CORRUPT, "disagree on its time" },
	{ "another local CRC", local_crc, NULL, PNR_CORRUPT, "disagree on its CRC" },
	{ "no local CRC, no descriptor", local_crc_zero, NULL, PNR_CORRUPT, "disagree on its CRC" },
	{ "another local size", local_size, NULL, PNR_CORRUPT, "disagree on its size" },
	{ "another local compressed size", local_body_size, NULL, PNR_CORRUPT, "disagree on its compressed size" },
	{ "a descriptor that lies", descriptor_lies, NULL, PNR_CORRUPT, "descriptor contradicts" },
	{ "a descriptor that is not there", descriptor_missing, NULL, PNR_CORRUPT, "0 bytes follow its body" },
	{ "a descriptor of 14 bytes", descriptor_odd, NULL, PNR_CORRUPT, "14 bytes follow its body" },
	{ "a descriptor without its signature", descriptor_unsigned, NULL, PNR_CORRUPT, "descriptor contradicts" },
	{ "a size beside the descriptor that lies", descriptor_stale, NULL, PNR_CORRUPT, "disagree on its size" },
	{ "encrypted", encrypted, NULL, PNR_UNSUPPORTED, "'wasm/a.wasm': it is encrypted" },
	{ "strongly encrypted", strongly_encrypted, NULL, PNR_UNSUPPORTED, "encrypted" },
	{ "masked headers", masked, NULL, PNR_UNSUPPORTED, "encrypted" },
	{ "patched data", patched, NULL, PNR_UNSUPPORTED, "patched" },
	{ "LZMA", method_lzma, NULL, PNR_UNSUPPORTED, "method 14" },
	{ "Deflate64", method_deflate64, NULL, PNR_UNSUPPORTED, "method 9" },
	{ "an entry on another disk", disk_in_entry, NULL, PNR_UNSUPPORTED, "disk 1" },
	{ "another disk", NULL, disk_in_end, PNR_UNSUPPORTED, "several disks" },
	{ "a directory on another disk", NULL, disk_of_start, PNR_UNSUPPORTED, "several disks" },
	{ "entries on another disk", NULL, count_here, PNR_UNSUPPORTED, "several disks" },
	{ "a symbolic link", symlink_entry, NULL, PNR_CORRUPT, "symbolic link" },
	{ "a symbolic link, made by DOS", symlink_by_dos, NULL, PNR_CORRUPT, "symbolic link" },
	{ "a FIFO", fifo, NULL, PNR_CORRUPT, "special file" },
	{ "a device", device, NULL, PNR_CORRUPT, "special file" },
	{ "a file that is a folder by mode", folder_mode_of_file, NULL, PNR_CORRUPT, "disagree" },
	{ "a file that is a folder by attribute", folder_bit_of_file, NULL, PNR_CORRUPT, "attributes make it a folder" },
	{ "a folder that is a file by mode", file_mode_of_folder, NULL, PNR_CORRUPT, "disagree" },
	{ "a folder with content", folder_with_content, NULL, PNR_CORRUPT, "folder with content" },
	{ "one name twice", duplicate, NULL, PNR_CORRUPT, "two entries have the name 'manifest.json'" },
	{ "an empty name", name_empty, NULL, PNR_CORRUPT, "entry 3: its name is empty" },
	{ "a NUL in a name", name_nul, NULL, PNR_CORRUPT, "NUL" },
	{ "an escape in a name", name_control, NULL, PNR_CORRUPT, "control character" },
	{ "a name in Latin-1", name_latin1, NULL, PNR_CORRUPT, "not valid UTF-8" },
	{ "an overlong '/'", name_overlong, NULL, PNR_CORRUPT, "not valid UTF-8" },
	{ "a second name", second_name, NULL, PNR_CORRUPT, "another name" },
	{ "a bomb", bomb, NULL, PNR_CORRUPT, "bomb" },
	{ "stored with two sizes", stored_sizes_differ, NULL, PNR_CORRUPT, "stored, yet" },
	{ "wide without a zip64 field", wide_without_field, NULL, PNR_CORRUPT, "without a zip64" },
	{ "a zip64 field cut short", wide_field_too_short, NULL, PNR_CORRUPT, "8 bytes where 16" },
	{ "a zip64 field that is not needed", wide_field_unneeded, NULL, PNR_CORRUPT, "8 bytes where 0" },
	{ "two zip64 fields", wide_field_twice, NULL, PNR_CORRUPT, "two zip64" },
	{ "a zip64 size beyond any file", wide_field_huge, NULL, PNR_CORRUPT, "beyond any file" },
	{ "a zip64 field that lies", wide_field_lies, NULL, PNR_CORRUPT, "is not its size" },
	{ "a zip64 offset that lies", wide_offset_field, wide_offset_lies, PNR_CORRUPT, "lie in front" },
	{ "a local zip64 field that lies", wide_local_lies, NULL, PNR_CORRUPT, "disagree on its size" },
	{ "an unneeded local zip64 field that lies", wide_local_unsaid_lies, NULL, PNR_CORRUPT,
	  "disagree on its compressed size" },
	{ "an unneeded local zip64 field that is right", wide_local_unsaid_hides, NULL, PNR_CORRUPT,
	  "disagree on its size" },
	{ "half a local zip64 field", wide_local_half, NULL, PNR_CORRUPT, "8 bytes where 16" },
	{ "an extra field cut short", extra_cut, NULL, PNR_CORRUPT, "malformed" },
	{ "an extra field of 3 bytes", extra_stub, NULL, PNR_CORRUPT, "malformed" },
	{ "one entry too many", long_comment, count_more, PNR_CORRUPT, "entry 4: no header in the central directory" },
	{ "one entry too few", NULL, count_fewer, PNR_CORRUPT, "56 bytes follow the last of 2 entries" },
	{ "an absurd count", NULL, count_absurd, PNR_CORRUPT, "too short for 60000" },
	{ "a directory elsewhere", NULL, directory_moved, PNR_CORRUPT, "reaches beyond" },
	{ "a directory too long", NULL, directory_longer, PNR_CORRUPT, "reaches beyond" },
	{ "a directory too short", NULL, directory_shorter, PNR_CORRUPT, "1 bytes lie" },
	{ "junk in the directory", directory_junk, NULL, PNR_CORRUPT, "entry 2: no header" },
	{ "a zip64 locator that points elsewhere", with_end64, end64_moved, PNR_CORRUPT, "locator points to" },
	{ "a zip64 locator beyond any file", with_end64, end64_huge_locator, PNR_CORRUPT, "locator points to" },
	{ "a zip64 record of another size", with_end64, end64_size, PNR_CORRUPT, "no zip64 end record" },
	{ "zip64 says another count", with_end64, end64_count, PNR_CORRUPT, "contradicts" },
	{ "zip64 says another offset", with_end64, end64_offset, PNR_CORRUPT, "contradicts" },
	{ "zip64 says another size", with_end64, end64_directory_size, PNR_CORRUPT, "contradicts" },
	{ "zip64 says two disks", with_end64, end64_disks, PNR_UNSUPPORTED, "several disks" },
	{ "zip64 says another disk", with_end64, end64_disk, PNR_UNSUPPORTED, "several disks" },
	{ "zip64 says entries elsewhere", with_end64, end64_here, PNR_UNSUPPORTED, "several disks" },
	{ "a zip64 offset beyond any file", with_end64, end64_huge, PNR_CORRUPT, "reaches beyond" },
	{ "a zip64 count beyond memory", with_end64, end64_huge_count, PNR_CORRUPT, "too short for" },
};

static void hostile_zips_are_refused_with_their_cause(void **state)
{
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(hostile); i++) {
		pnr_buffer bytes = PNR_BUFFER_INIT;
		pnr_zip_reader *reader = NULL;
		pnr_error err = PNR_ERROR_INIT;
		int fd = -1;
		make(hostile[i].before, hostile[i].after, &bytes);
		pnr_status status = open_bytes(&bytes, &fd, &reader, &err);
		if (status != hostile[i].status || strstr(err.message, hostile[i].message) == NULL)
			fail_msg("%s: %s \"%s\"", hostile[i].name, pnr_status_name(status), err.message);
		assert_null(reader);
		assert_non_null(strstr(err.message, "zip 'test.zip': "));
		close(fd);
		pnr_buffer_free(&bytes);
	}
}

/* A header may claim more name, extra field or comment than the directory holds. */
static void lengths_beyond_the_directory_are_refused(void **state)
{
	static const size_t fields[] = { 28, 30, 32 }; /* of a central header */
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(fields); i++) {
		pnr_buffer bytes = PNR_BUFFER_INIT;
		pnr_zip_reader *reader = NULL;
		pnr_error err = PNR_ERROR_INIT;
		int fd = -1;
		make(NULL, NULL, &bytes);
		char *last = bytes.data + bytes.length - 22 - 46 - strlen("data/b.csv");
		last[fields[i]] = last[fields[i] + 1] = (char)0xff;
		assert_int_equal(open_bytes(&bytes, &fd, &reader, &err), PNR_CORRUPT);
		assert_non_null(strstr(err.message, "entry 3: its header reaches beyond the central directory"));
		close(fd);
		pnr_buffer_free(&bytes);
	}
}

static void local_lengths_beyond_the_entry_are_refused(void **state)
{
	static const size_t fields[] = { 26, 28 }; /* of a local header */
	(void)state;
	for (size_t i = 0; i < PNR_COUNT(fields); i++) {
		pnr_buffer bytes = PNR_BUFFER_INIT;
		pnr_zip_reader *reader = NULL;
		pnr_error err = PNR_ERROR_INIT;
		int fd = -1;
		make(NULL, NULL, &bytes);
		bytes.data[fields[i] + 1] = (char)0xff;
		assert_int_equal(open_bytes(&bytes, &fd, &reader, &err), PNR_CORRUPT);
		assert_non_null(strstr(err.message, "its local header overlaps what follows"));
		close(fd);
		pnr_buffer_free(&bytes);
	}
}

/* Whatever the place where a zip was cut: refused, and never a read outside what there is. */
static void a_zip_cut_anywhere_is_refused(void **state)
{
	pnr_buffer bytes = PNR_BUFFER_INIT;
	(void)state;
	make(descriptor_24, NULL, &bytes);
	for (size_t length = bytes.length; length-- > 0;) {
		pnr_zip_reader *reader = NULL;
		pnr_error err = PNR_ERROR_INIT;
		int fd = memory_file(bytes.data, length);
		assert_int_equal(pnr_zip_reader_open(fd, "cut.zip", &reader, &err), PNR_CORRUPT);
		assert_int_not_equal(err.message[0], '\0');
		close(fd);
	}
	pnr_buffer_free(&bytes);
}

static bool same_entry(const pnr_zip_entry *a, const pnr_zip_entry *b)
{
	return strcmp(a->name, b->name) == 0 && a->method == b->method && a->crc32 == b->crc32 &&
	       a->size == b->size && a->body_size == b->body_size;
}

/* Whatever counts stands in two places: no flipped bit changes what is accepted, and most are refused. */
static void a_flipped_bit_changes_no_entry(void **state)
{
	pnr_buffer bytes = PNR_BUFFER_INIT;
	pnr_zip_directory good = PNR_ZIP_DIRECTORY_INIT;
	size_t refused = 0;
	(void)state;
	make(with_end64, NULL, &bytes);
	int fd = memory_file(bytes.data, bytes.length);
	assert_int_equal(pnr_zip_scan(fd, "good.zip", &good, NULL), PNR_OK);
	for (size_t i = 0; i < bytes.length * 8; i++) {
		pnr_zip_directory dir = PNR_ZIP_DIRECTORY_INIT;
		char flipped = (char)((unsigned char)bytes.data[i / 8] ^ 1u << i % 8);
		assert_int_equal(pwrite(fd, &flipped, 1, (off_t)i / 8), 1);
		if (pnr_zip_scan(fd, "flip.zip", &dir, NULL) == PNR_OK) {
			assert_int_equal(dir.count, good.count);
			for (size_t e = 0; e < dir.count; e++)
				assert_true(same_entry(&dir.items[e].entry, &good.items[e].entry));
		} else {
			refused++;
		}
		pnr_zip_directory_free(&dir);
		assert_int_equal(pwrite(fd, &bytes.data[i / 8], 1, (off_t)i / 8), 1);
	}
	/* Bodies, versions and attributes say nothing here; all else, three quarters of the bits, does. */
	assert_in_range(refused, bytes.length * 8 * 3 / 4, bytes.length * 8);
	close(fd);
	pnr_zip_directory_free(&good);
	pnr_buffer_free(&bytes);
}

static void what_is_no_file_is_refused(void **state)
{
	pnr_zip_reader *reader = NULL;
	pnr_error err = PNR_ERROR_INIT;
	int fds[2];
	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pnr_zip_reader_open(fds[0], "pipe", &reader, &err), PNR_INVALID);
	assert_string_equal(err.message, "zip 'pipe': not a regular file");
	close(fds[0]);
	close(fds[1]);
}

/* 65,535 entries without a zip64 record: Python writes that. */
static void a_count_of_65535_needs_no_zip64(void **state)
{
	pnr_buffer bytes = PNR_BUFFER_INIT, directory = PNR_BUFFER_INIT;
	(void)state;
	for (unsigned i = 0; i < 65535; i++) {
		char name[6];
		(void)snprintf(name, sizeof name, "%05u", i);
		header h = { .name = name, .name_length = 5, .signature = 0x04034b50, .offset = (uint32_t)bytes.length };
		put_header(&bytes, &h, false);
		h.signature = 0x02014b50;
		put_header(&directory, &h, true);
	}
	end_record end = { .here = 65535, .count = 65535, .size = (uint32_t)directory.length,
			   .offset = (uint32_t)bytes.length };
	pnr_buffer_append(&bytes, directory.data, directory.length);
	put_end(&bytes, &end);
	pnr_zip_reader *reader = NULL;
	pnr_error err = PNR_ERROR_INIT;
	int fd = -1;
	uint64_t index = 0;
	must(open_bytes(&bytes, &fd, &reader, &err), &err);
	assert_int_equal(pnr_zip_reader_count(reader), 65535);
	assert_true(pnr_zip_reader_find(reader, "43210", &index));
	assert_int_equal(index, 43210);
	assert_false(pnr_zip_reader_find(reader, "99999", &index));
	pnr_zip_reader_close(reader);
	close(fd);
	pnr_buffer_free(&bytes);
	pnr_buffer_free(&directory);
}

/* The limit is on what is held in memory: it is refused before it is read. The file is sparse. */
static void a_directory_over_the_limit_is_refused(void **state)
{
	pnr_buffer bytes = PNR_BUFFER_INIT;
	pnr_zip_reader *reader = NULL;
	pnr_error err = PNR_ERROR_INIT;
	(void)state;
	end_record end = { .size = PNR_ZIP_DIRECTORY_MAX + 1 };
	put_end(&bytes, &end);
	int fd = memfd_create("large", MFD_CLOEXEC);
	must(pnr_file_pwrite(fd, bytes.data, bytes.length, PNR_ZIP_DIRECTORY_MAX + 1, "large", &err), &err);
	assert_int_equal(pnr_zip_reader_open(fd, "large.zip", &reader, &err), PNR_UNSUPPORTED);
	assert_non_null(strstr(err.message, "larger than 256 MiB"));
	close(fd);
	pnr_buffer_free(&bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zips_of_every_writer_are_accepted),
		cmocka_unit_test(hostile_zips_are_refused_with_their_cause),
		cmocka_unit_test(lengths_beyond_the_directory_are_refused),
		cmocka_unit_test(local_lengths_beyond_the_entry_are_refused),
		cmocka_unit_test(a_zip_cut_anywhere_is_refused),
		cmocka_unit_test(a_flipped_bit_changes_no_entry),
		cmocka_unit_test(what_is_no_file_is_refused),
		cmocka_unit_test(a_count_of_65535_needs_no_zip64),
		cmocka_unit_test(a_directory_over_the_limit_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
