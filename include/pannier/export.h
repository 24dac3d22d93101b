/* Macros that every public header needs. Nothing else belongs here. */
#ifndef PANNIER_EXPORT_H
#define PANNIER_EXPORT_H

#if defined(__GNUC__)
#define PNR_API __attribute__((visibility("default")))
/** The caller must look at the returned status. */
#define PNR_CHECKED __attribute__((warn_unused_result))
#else
#define PNR_API
#define PNR_CHECKED
#endif

#ifdef __cplusplus
#define PNR_BEGIN_DECLS extern "C" {
#define PNR_END_DECLS }
#else
#define PNR_BEGIN_DECLS
#define PNR_END_DECLS
#endif

#endif
