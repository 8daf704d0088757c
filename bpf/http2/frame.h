/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */
/* The part of HTTP/2 (RFC 9113) that http2/walk.h and packets/stream.h share. */
#ifndef H2TRACE_FRAME_H
#define H2TRACE_FRAME_H

#include "kernel/kernel.h"
#include "record/record.h"

/* RFC 9113 4.1. */
#define FRAME_HEADER 9
#define FRAME_DATA 0
#define FRAME_SETTINGS 4
/* RFC 9113 6.1. */
#define FLAG_PADDED 0x8
#define PREFACE_LEN 24

#endif
