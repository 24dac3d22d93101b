#include "base/secret.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

void pnr_secret_free(char **text)
{
	if (*text != NULL)
		OPENSSL_cleanse(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

void pnr_secret_buffer_free(pnr_buffer *buffer)
{
	if (buffer->data != NULL)
		OPENSSL_cleanse(buffer->data, buffer->capacity);
	pnr_buffer_free(buffer);
}
