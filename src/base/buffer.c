#include "base/buffer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRINTF_GUESS 128 /* what is formatted is seldom longer: then it is formatted once */

char *pnr_buffer_reserve(pnr_buffer *buffer, size_t length)
{
	if (buffer->failed)
		return NULL;
	if (length > SIZE_MAX / 4 || buffer->length > SIZE_MAX / 4) {
		buffer->failed = true;
		return NULL;
	}
	size_t need = buffer->length + length + 1;
	if (buffer->data == NULL || need > buffer->capacity) {
		size_t capacity = buffer->capacity + buffer->capacity / 2;
		if (capacity < need)
			capacity = need;
		if (capacity < 64)
			capacity = 64;
		char *data = realloc(buffer->data, capacity);
		if (data == NULL) {
			buffer->failed = true;
			return NULL;
		}
		buffer->data = data;
		buffer->capacity = capacity;
	}
	buffer->data[buffer->length] = '\0';
	buffer->data[buffer->length + length] = '\0';
	return buffer->data + buffer->length;
}

void pnr_buffer_append(pnr_buffer *buffer, const void *data, size_t length)
{
	char *place = pnr_buffer_reserve(buffer, length);
	if (place == NULL)
		return;
	if (length > 0)
		memcpy(place, data, length);
	buffer->length += length;
}

void pnr_buffer_puts(pnr_buffer *buffer, const char *text)
{
	pnr_buffer_append(buffer, text, strlen(text));
}

void pnr_buffer_putc(pnr_buffer *buffer, char c)
{
	pnr_buffer_append(buffer, &c, 1);
}

void pnr_buffer_printf(pnr_buffer *buffer, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	va_list again;
	va_copy(again, args);
	char *place = pnr_buffer_reserve(buffer, PRINTF_GUESS);
	int length = vsnprintf(place, place == NULL ? 0 : PRINTF_GUESS + 1, format, args);
	va_end(args);
	if (length < 0)
		buffer->failed = true;
	else if (length > PRINTF_GUESS && (place = pnr_buffer_reserve(buffer, (size_t)length)) != NULL)
		(void)vsnprintf(place, (size_t)length + 1, format, again);
	if (length >= 0 && place != NULL)
		buffer->length += (size_t)length;
	va_end(again);
}

pnr_status pnr_buffer_status(const pnr_buffer *buffer, pnr_error *err)
{
	return buffer->failed ? pnr_fail_nomem(err) : PNR_OK;
}

char *pnr_buffer_steal(pnr_buffer *buffer)
{
	if (buffer->data == NULL)
		pnr_buffer_append(buffer, "", 0);
	char *data = buffer->failed ? NULL : PNR_STEAL(buffer->data);
	pnr_buffer_free(buffer);
	return data;
}

void pnr_buffer_clear(pnr_buffer *buffer)
{
	buffer->length = 0;
	buffer->failed = false;
	if (buffer->data != NULL)
		buffer->data[0] = '\0';
}

void pnr_buffer_free(pnr_buffer *buffer)
{
	free(buffer->data);
	*buffer = (pnr_buffer)PNR_BUFFER_INIT;
}
