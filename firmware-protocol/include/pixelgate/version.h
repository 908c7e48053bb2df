/* Version of this library; the wire has a version of its own (SPEC §1.2). */
#ifndef PIXELGATE_VERSION_H
#define PIXELGATE_VERSION_H

#define PG_LIBRARY_VERSION "0.1.0"
#define PG_WIRE_VERSION 1

#endif
