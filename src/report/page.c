#include "report/page.h"
#include "base/clock.h"
#include "base/path.h"
#include <stdio.h>
#include <string.h>

#define ENOUGH ((size_t)64 << 10)

/* ------------------------------------------------------------ passing on -- */

pnr_status pnr_page_end(pnr_page *page, pnr_error *err)
{
	size_t length = page->text.length;
	pnr_status status = pnr_buffer_status(&page->text, err);
	if (status == PNR_OK && length > 0)
		status = page->sink->write(page->sink->context, page->text.data, length, err);
	if (status != PNR_OK)
		return status;
	page->bytes += length;
	pnr_buffer_clear(&page->text);
	return pnr_meter_add(page->meter, NULL, length, err);
}

pnr_status pnr_page_check(pnr_page *page, pnr_error *err)
{
	if (page->text.length < ENOUGH && !page->text.failed)
		return pnr_meter_add(page->meter, NULL, 0, err);
	return pnr_page_end(page, err);
}

void pnr_page_free(pnr_page *page)
{
	pnr_buffer_free(&page->text);
}

/* --------------------------------------------------------------- writing -- */

void pnr_page_puts(pnr_page *page, const char *html)
{
	pnr_buffer_puts(&page->text, html);
}

void pnr_page_printf(pnr_page *page, const char *format, ...)
{
	char piece[512];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(piece, sizeof piece, format, arguments);
	va_end(arguments);
	if (length < 0 || (size_t)length >= sizeof piece)
		page->text.failed = true;
	else
		pnr_buffer_append(&page->text, piece, (size_t)length);
}

/* The code point of a well-formed sequence. */
static uint32_t code_of(const char *text, size_t length)
{
	unsigned char lead = (unsigned char)text[0];
	uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
	for (size_t i = 1; i < length; i++)
		code = code << 6 | ((unsigned char)text[i] & 0x3fu);
	return code;
}

/* Controls, what reorders text, what takes no room, what is no character: a
 * name must look like what it is. */
static bool invisible(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = { { 0, 0x1f },        { 0x7f, 0x9f },     { 0xad, 0xad },     { 0x61c, 0x61c },
		       { 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
		       { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xfdd0, 0xfdef }, { 0xe0000, 0xe0fff } };
	for (size_t i = 0; i < PNR_COUNT(ranges); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return (code & 0xfffe) == 0xfffe;
}

static void put_character(pnr_page *page, const char *text, size_t length)
{
	uint32_t code = length == 0 ? 0 : code_of(text, length);
	if (length == 0)
		pnr_page_printf(page, "\\x%02x", (unsigned)(unsigned char)text[0]);
	else if (invisible(code))
		pnr_page_printf(page, code < 0x80 ? "\\x%02x" : "\\u%04x", (unsigned)code);
	else if (strchr("&<>\"'`", text[0]) != NULL)
		pnr_page_printf(page, "&#%u;", (unsigned)code);
	else
		pnr_buffer_append(&page->text, text, length);
}

void pnr_page_text(pnr_page *page, const char *text, size_t limit)
{
	size_t left = strlen(text);
	for (size_t count = 0; left > 0; count++) {
		if (limit > 0 && count == limit) {
			pnr_page_puts(page, "…");
			return;
		}
		size_t length = pnr_utf8_sequence(text, left), step = length == 0 ? 1 : length;
		put_character(page, text, length);
		text += step;
		left -= step;
	}
}

/* --------------------------------------------------------------- numbers -- */

void pnr_page_number(pnr_page *page, uint64_t number)
{
	char digits[24];
	int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
	for (int i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			pnr_buffer_putc(&page->text, ',');
		pnr_buffer_putc(&page->text, digits[i]);
	}
}

/* Tenths of the largest unit of which there is one. */
static const char *in_units(uint64_t bytes, uint64_t *out_tenths)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	size_t unit = 0;
	/* 1023.95 would show as 1024.0. */
	while (value >= 1023.95 && unit + 1 < PNR_COUNT(units)) {
		value /= 1024;
		unit++;
	}
	*out_tenths = (uint64_t)(value * 10 + 0.5);
	return units[unit];
}

char *pnr_size_text(uint64_t bytes, char out_text[PNR_SIZE_TEXT])
{
	uint64_t tenths;
	const char *unit = in_units(bytes, &tenths);
	if (bytes < 1024)
		(void)snprintf(out_text, PNR_SIZE_TEXT, "%u B", (unsigned)bytes);
	else
		(void)snprintf(out_text, PNR_SIZE_TEXT, "%u.%u %s", (unsigned)(tenths / 10), (unsigned)(tenths % 10),
			       unit);
	return out_text;
}

void pnr_page_size(pnr_page *page, uint64_t bytes)
{
	char text[PNR_SIZE_TEXT];
	const char *unit = strchr(pnr_size_text(bytes, text), ' ');
	pnr_page_printf(page, "%.*s<span class=\"u\">%s</span>", (int)(unit - text), text, unit);
}

void pnr_page_length(pnr_page *page, double part, double whole)
{
	long long hundredths = (long long)(10000 * part / whole + 0.5);
	pnr_page_printf(page, "%lld.%02lld%%", hundredths / 100, hundredths % 100);
}

void pnr_page_saved(pnr_page *page, uint64_t part, uint64_t whole)
{
	uint64_t saved = part >= whole ? 0 : (uint64_t)(1000 * (1 - (double)part / (double)whole) + 0.5);
	/* Not all of it as long as something is left. */
	if (saved == 1000 && part > 0)
		saved = 999;
	pnr_page_printf(page, "%u.%u %%", (unsigned)(saved / 10), (unsigned)(saved % 10));
}

void pnr_page_time(pnr_page *page, int64_t ms)
{
	char text[PNR_TIME_TEXT_SIZE];
	(void)pnr_clock_format(ms, text);
	pnr_page_printf(page, "%.10s %.5s", text, text + 11);
}

void pnr_page_hash(pnr_page *page, const pnr_digest *digest)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_page_printf(page, "<code>%.12s</code>", pnr_digest_to_hex(digest, hex));
}

void pnr_page_full_hash(pnr_page *page, const pnr_digest *digest)
{
	char hex[PNR_DIGEST_HEX_SIZE];
	pnr_page_printf(page, "<code class=\"h\">%s</code>", pnr_digest_to_hex(digest, hex));
}

void pnr_page_left_out(pnr_page *page, const char *which, uint64_t shown, uint64_t all, const char *what,
		       const char *elsewhere)
{
	if (shown >= all)
		return;
	pnr_page_printf(page, "<p class=\"soft\">%s ", which);
	pnr_page_number(page, shown);
	pnr_page_puts(page, " of ");
	pnr_page_number(page, all);
	pnr_page_printf(page, " %s; <code>%s</code> has all.</p>\n", what, elsewhere);
}
