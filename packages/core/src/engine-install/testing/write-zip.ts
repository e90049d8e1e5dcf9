/**
 * A zip archive of stored files, as small as a test needs.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT, sections 4.3.7, 4.3.12 and 4.3.16
 * @packageDocumentation
 */
import { crc32 } from "node:zlib";
