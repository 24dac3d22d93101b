/*
 * What the writer and the scan must agree on: the records of a zip
 * (APPNOTE.TXT 6.3.10, section 4.3), little-endian, by signature and size.
 */
#ifndef PNR_ZIP_FORMAT_H
#define PNR_ZIP_FORMAT_H

#include <stdint.h>

#define LOCAL_SIGNATURE 0x04034b50u
#define LOCAL_SIZE 30u
#define DESCRIPTOR_SIGNATURE 0x08074b50u
#define CENTRAL_SIGNATURE 0x02014b50u
#define CENTRAL_SIZE 46u
#define END64_SIGNATURE 0x06064b50u
#define END64_SIZE 56u
#define LOCATOR_SIGNATURE 0x07064b50u
#define LOCATOR_SIZE 20u
#define END_SIGNATURE 0x06054b50u
#define END_SIZE 22u

/* General purpose flags, APPNOTE 4.4.4. */
#define FLAG_ENCRYPTED 0x0001u
#define FLAG_DESCRIPTOR 0x0008u
#define FLAG_PATCHED 0x0020u
#define FLAG_STRONG_ENCRYPTION 0x0040u
#define FLAG_UTF8 0x0800u
#define FLAG_MASKED 0x2000u

/* Extra fields, APPNOTE 4.5 and 4.6.9. */
#define EXTRA_ZIP64 0x0001u
#define EXTRA_UNICODE_PATH 0x7075u
#define EXTRA_PADDING 0xd935u

/* A 16- or 32-bit field with this value says: the real one is in the zip64 record or field. */
#define WIDE16 UINT16_MAX
#define WIDE32 UINT32_MAX

#define NAME_MAX_LENGTH UINT16_MAX

#endif
